// Periodic functions of features on whole arrays.
#pragma once

#include "core/buffer.h"
#include "kernels/periodic/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

inline constexpr double sine_cost = 2 * elementwise_cost;  // of an element, with its cosine

template <class T>
void periodic_forward(const Periodic<T>& all) {
  const double elements = static_cast<double>(all.rows * all.features) * static_cast<double>(all.frequencies);
  parallel_for(all.rows, 1, sine_cost * elements, [&](Range share) { kernels<T>().periodic.forward(all.part(share)); });
}

template <class T>
void periodic_backward(const PeriodicBackward<T>& all) {
  const double elements = static_cast<double>(all.rows * all.features) * static_cast<double>(all.width());
  run_team(threads_for(2 * elementwise_cost * elements), false, [&](const Team& team) {
    kernels<T>().periodic.sums(all, team.split(all.features));
    kernels<T>().periodic.backward(all.part(team.split(all.rows)));
  });
}

}  // namespace fastopt::ops
