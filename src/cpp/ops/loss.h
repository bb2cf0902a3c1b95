// The losses by name and by their place in the table of kernels.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "kernels/loss/args.h"
#include "runtime/cpu.h"

namespace fastopt {

template <class T = float>
std::span<const LossKernel<T>> losses() {
  return kernels<T>().loss.losses;
}

template <class T = float>
const LossKernel<T>& loss_kernel(int loss) {
  return losses<T>()[static_cast<std::size_t>(loss)];
}

// The place of a name; throws std::invalid_argument that lists the known ones.
int find_loss(std::string_view name);

// The hyperparameters of a loss in its order; those that are not given have their defaults. Throws
// std::invalid_argument for names that it does not have.
LossHyper loss_hyper(int loss, const std::map<std::string, double>& given);

}  // namespace fastopt
