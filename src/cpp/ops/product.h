// Matrix products of whole arrays.
#pragma once

#include "core/buffer.h"
#include "kernels/product/args.h"
#include "ops/panels.h"
#include "runtime/cpu.h"
#include "runtime/scratch.h"
#include "runtime/team.h"

namespace fastopt::ops {

// The product with b [depth, columns] or, transposed, [columns, depth], in place of its own; each thread computes some
// of the rows.
template <class T>
void multiply(Product<T> product, const T* b, Index b_stride, bool b_transposed) {
  // Kept from call to call: the first touch of fresh memory costs up to a tenth of a product.
  thread_local Buffer<T> memory;
  const Index size = b_transposed ? packed_size<T>(product.depth, product.columns) : 0;
  if (memory.size() < size) {
    memory = Buffer<T>(size);
  }
  T* const packed = memory.data();
  product.b = b_transposed ? packed_panels<T>(packed, product.depth, product.columns)
                           : Panels<T>{b, b_stride, kernels<T>().product.panel_width, false};
  const double cost = (reading_cost + 2 * static_cast<double>(product.columns)) * static_cast<double>(product.rows) *
                      static_cast<double>(product.depth);
  run_team(threads_for(cost, product.rows), false, [&](const Team& team) {
    if (b_transposed) {
      pack_share(team, b, b_stride, true, product.depth, product.columns, packed);
      team.barrier();
    }
    Product<T> mine = product.part(team.split(product.rows));
    mine.scratch = scratch();
    kernels<T>().product.multiply(mine);
  });
}

}  // namespace fastopt::ops
