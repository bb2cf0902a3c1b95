// The kernel of dropout.
#pragma once

#include "core/types.h"

namespace fastopt {

template <class T>
struct DropoutKernels {
  // 0 with probability `rate`, else 1 / (1 - rate).
  void (*mask)(std::uint64_t key, std::uint64_t stream, double rate, T* out, Index size);
};

}  // namespace fastopt
