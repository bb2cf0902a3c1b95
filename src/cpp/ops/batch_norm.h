// Normalisation over the rows of a batch, on whole arrays.
#pragma once

#include "core/buffer.h"
#include "kernels/norm/args.h"
#include "ops/channels.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

// By the moments of the batch, which are computed first.
template <class T>
void batch_norm_forward(const BatchMoments<T>& moments, const BatchNorm<T>& all) {
  run_team(threads_for(2 * pass_cost(all.rows, all.features)), false, [&](const Team& team) {
    kernels<T>().batch_norm.moments(moments, team.split(all.features.channels, channel_grain));
    team.barrier();
    kernels<T>().batch_norm.forward(all.part(team.split(all.rows)));
  });
}

// 1 / sqrt(variance + epsilon).
template <class T>
Buffer<T> inverse_deviation(const T* variance, T epsilon, Index channels) {
  Buffer<T> rstd(channels);
  kernels<T>().batch_norm.inverse_deviation(variance, epsilon, rstd.data(), channels);
  return rstd;
}

// By the moments that it holds.
template <class T>
void batch_norm_inference(const BatchNorm<T>& all) {
  parallel_for(all.rows, 1, pass_cost(all.rows, all.features),
               [&](Range share) { kernels<T>().batch_norm.forward(all.part(share)); });
}

template <class T>
void batch_norm_backward(const BatchNormBackward<T>& all) {
  run_team(threads_for(2 * pass_cost(all.rows, all.features)), false, [&](const Team& team) {
    kernels<T>().batch_norm.sums(all, team.split(all.features.channels, channel_grain));
    team.barrier();
    kernels<T>().batch_norm.backward(all.part(team.split(all.rows)));
  });
}

}  // namespace fastopt::ops
