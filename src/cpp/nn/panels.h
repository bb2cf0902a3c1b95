// The right factor of a matrix product, copied into panels where that pays.
#pragma once

#include "runtime/buffer.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt {

// Elements of a [depth, columns] matrix in packed form.
template <class T>
Index packed_size(Index depth, Index columns) {
  return checked_product(depth, round_up(columns, kernels<T>().panel_width));
}

template <class T>
Panels<T> packed_panels(const T* data, Index depth) {
  const Index width = kernels<T>().panel_width;
  return {data, width, depth * width, true};
}

// Packs this rank's share of b [depth, columns] or, transposed, of b^T with b [columns, depth].
template <class T>
void pack_share(const Team& team, const T* b, Index stride, bool transposed, Index depth, Index columns, T* to) {
  const Index panels = (columns + kernels<T>().panel_width - 1) / kernels<T>().panel_width;
  kernels<T>().pack(b, stride, transposed, depth, columns, team.split(panels), to);
}

// Rows a multiple of half a page apart fall into few sets of the cache, and a large matrix misses the TLB: packing pays then,
// if the left factor has rows enough.
template <class T>
bool packing_pays(Index rows, Index depth, Index columns) {
  const Index bytes = columns * static_cast<Index>(sizeof(T));
  return rows >= 24 && columns > kernels<T>().panel_width && (bytes % 2048 == 0 || depth > (Index{1} << 18) / bytes);
}

}  // namespace fastopt
