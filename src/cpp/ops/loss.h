// The losses by name and by their place in the table of kernels, and on whole arrays.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/buffer.h"
#include "kernels/loss/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

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

namespace ops {

template <class T>
void loss_rows(int loss, const Loss<T>& all) {
  const double cost = 2 * elementwise_cost * static_cast<double>(all.rows * all.columns);
  parallel_for(all.rows, alignment, cost, [&](Range share) { loss_kernel<T>(loss).rows(all.part(share)); });
}

}  // namespace ops

}  // namespace fastopt
