// The right factor of a matrix product, copied into panels where that pays.
#pragma once

#include "core/buffer.h"
#include "kernels/product/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt {

// Elements of a [depth, columns] matrix in packed form.
template <class T>
Index packed_size(Index depth, Index columns) {
  return checked_product(depth, round_up(columns, kernels<T>().product.packed_width(columns)));
}

template <class T>
Panels<T> packed_panels(const T* data, Index depth, Index columns) {
  const Index width = kernels<T>().product.packed_width(columns);
  return {data, width, depth * width, true};
}

// Packs this rank's share of b [depth, columns] or, transposed, of b^T with b [columns, depth].
template <class T>
void pack_share(const Team& team, const T* b, Index stride, bool transposed, Index depth, Index columns, T* to) {
  const Index width = kernels<T>().product.packed_width(columns), panels = (columns + width - 1) / width;
  kernels<T>().product.pack(b, stride, transposed, depth, columns, team.split(panels), to);
}

}  // namespace fastopt
