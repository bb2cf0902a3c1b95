// PReLU on whole arrays.
#pragma once

#include "kernels/prelu/args.h"
#include "ops/channels.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

template <class T>
void prelu_forward(const PreluPass<T>& all) {
  parallel_for(all.rows, 1, pass_cost(all.rows, all.features),
               [&](Range share) { kernels<T>().prelu.pass(all.part(share)); });
}

template <class T>
void prelu_backward(const PreluPass<T>& all, const PreluSums<T>& sums) {
  run_team(threads_for(2 * pass_cost(all.rows, all.features)), false, [&](const Team& team) {
    kernels<T>().prelu.sums(sums, team.split(all.features.channels, channel_grain));
    team.barrier();  // dx may be dy
    kernels<T>().prelu.pass(all.part(team.split(all.rows)));
  });
}

}  // namespace fastopt::ops
