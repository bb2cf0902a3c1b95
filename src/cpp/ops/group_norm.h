// Normalisation of each row by itself, on whole arrays.
#pragma once

#include <algorithm>

#include "core/buffer.h"
#include "kernels/norm/args.h"
#include "kernels/reduce/args.h"
#include "ops/channels.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

template <class T>
void group_norm_forward(const GroupNorm<T>& all) {
  parallel_for(all.rows, 1, pass_cost(all.rows, all.features),
               [&](Range share) { kernels<T>().group_norm.forward(all.part(share)); });
}

// Chunks of rows that depend on the batch alone have sums of their own, so that the result does not depend on the
// threads; a chunk is worked on in parts that stay in cache.
template <class T>
void group_norm_backward(const GroupNormBackward<T>& all) {
  constexpr Index cached_bytes = 1 << 15;  // of rows that are read twice
  const Index rows = std::clamp<Index>(all.rows / 64, 32, 512);
  const Index chunks = (all.rows + rows - 1) / rows, channels = all.features.channels;
  const Index row_bytes = 2 * all.features.size() * static_cast<Index>(sizeof(T));
  const Index part = std::max<Index>(4, cached_bytes / std::max<Index>(1, row_bytes));
  Buffer<T> sums(checked_product(2 * chunks, channels));
  T *const dgammas = sums.data(), *const dbetas = dgammas + chunks * channels;
  run_team(threads_for(2 * pass_cost(all.rows, all.features)), false, [&](const Team& team) {
    const Range mine = team.split(chunks);
    for (Index chunk = mine.begin; chunk < mine.end; ++chunk) {
      const Index end = std::min((chunk + 1) * rows, all.rows);
      for (Index row = chunk * rows; row < end; row += part) {
        GroupNormBackward<T> some = all.part({row, std::min(row + part, end)});
        some.dgamma = dgammas + chunk * channels;
        some.dbeta = dbetas + chunk * channels;
        some.add = true;  // the sums are zero at first
        kernels<T>().group_norm.backward(some);
      }
    }
    team.barrier();
    const Range share = team.split(channels, channel_grain);
    kernels<T>().reduce.column_sum({dgammas, channels}, chunks, share, all.dgamma);
    kernels<T>().reduce.column_sum({dbetas, channels}, chunks, share, all.dbeta);
  });
}

}  // namespace fastopt::ops
