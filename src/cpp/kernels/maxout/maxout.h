// The largest of some pieces that stand side by side (Goodfellow et al., ICML 2013).
#pragma once

#include <algorithm>

#include "kernels/maxout/args.h"

namespace fastopt::FASTOPT_ISA {

// Some units at a time, piece by piece: loops without branches, which the compiler turns into vectors.
template <class T>
void largest_pieces(const T* x, Index units, Index pieces, T* y, Index* piece) {
  constexpr Index some = 64;
  T largest[some];
  Index place[some];
  for (Index first = 0; first < units; first += some) {
    const Index count = std::min(some, units - first);
    for (Index j = 0; j < count; ++j) {
      largest[j] = x[(first + j) * pieces];
      place[j] = 0;
    }
    for (Index k = 1; k < pieces; ++k) {
      for (Index j = 0; j < count; ++j) {
        const T v = x[(first + j) * pieces + k];
        // The first of equals; a NaN counts as larger than numbers, so that it is seen.
        const bool larger = !(v <= largest[j]) && largest[j] == largest[j];
        largest[j] = larger ? v : largest[j];
        place[j] = larger ? k : place[j];
      }
    }
    std::copy(largest, largest + count, y + first);
    std::copy(place, place + count, piece + first);
  }
}

template <class T>
void spread_pieces(const T* dy, const Index* piece, Index units, Index pieces, T* dx) {
  std::fill(dx, dx + units * pieces, T(0));
  for (Index j = 0; j < units; ++j) {
    const Index place = __atomic_load_n(piece + j, __ATOMIC_RELAXED);
    if (place >= 0 && place < pieces) {  // else another thread has written to it since it was checked
      dx[j * pieces + place] = dy[j];
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
