// Maxout on whole arrays.
#pragma once

#include "core/buffer.h"
#include "kernels/maxout/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

// The largest of each unit's pieces, which lie side by side, and which one it is. All units of all rows are alike.
template <class T>
void largest_pieces(const T* x, Index units, Index pieces, T* y, Index* piece) {
  parallel_for(units, alignment, elementwise_cost * static_cast<double>(units * pieces), [&](Range share) {
    kernels<T>().maxout.largest(x + share.begin * pieces, share.size(), pieces, y + share.begin, piece + share.begin);
  });
}

// dx is dy at that piece and 0 elsewhere.
template <class T>
void spread_to_pieces(const T* dy, const Index* piece, Index units, Index pieces, T* dx) {
  parallel_for(units, alignment, elementwise_cost * static_cast<double>(units * pieces), [&](Range share) {
    kernels<T>().maxout.spread(dy + share.begin, piece + share.begin, share.size(), pieces, dx + share.begin * pieces);
  });
}

}  // namespace fastopt::ops
