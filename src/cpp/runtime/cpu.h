// Which instruction sets this processor has, and the kernel table in use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/table.h"

namespace fastopt {

// Best first.
std::vector<std::string> available_isas();

const KernelTable& kernel_table();
std::string current_isa();

// Throws std::invalid_argument for a name that is unknown or not available here.
void use_isa(std::string_view name);

template <class T>
const Kernels<T>& kernels() {
  return kernel_table().of<T>();
}

}  // namespace fastopt
