// Matrix products of whole arrays.
#pragma once

#include <algorithm>

#include "core/buffer.h"
#include "kernels/product/args.h"
#include "ops/panels.h"
#include "runtime/cpu.h"
#include "runtime/scratch.h"
#include "runtime/team.h"
#include "runtime/watch.h"

namespace fastopt::ops {

// The product in parts of some 10 ms, between which the watch looks whether to go on; small ones have one part. No bit
// depends on the parts.
template <class T>
void multiply_in_parts(const Team& team, const Product<T>& all, Watch& watch) {
  constexpr Index rows_at_once = 128;
  constexpr double cost_at_once = 4e8;
  const auto cost = [&](Index rows, Index columns) {
    return 2 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(all.depth);
  };
  if (cost(all.rows, all.columns) <= cost_at_once) {
    kernels<T>().product.multiply(all);
    return;
  }
  const Index width = kernels<T>().product.panel_width;
  const Index parts = (all.rows + rows_at_once - 1) / rows_at_once;
  const double panels = cost_at_once / cost((all.rows + parts - 1) / parts, width);
  const Index columns_at_once = std::max<Index>(16, static_cast<Index>(std::min(panels, 1e9))) * width;
  for (Index i = 0; i < parts; ++i) {
    const Product<T> rows = all.part({all.rows * i / parts, all.rows * (i + 1) / parts});
    for (Index first = 0; first < all.columns; first += columns_at_once) {
      if (watch.stopped()) {
        return;
      }
      const Range columns{first, std::min(first + columns_at_once, all.columns)};
      kernels<T>().product.multiply(rows.columns_part(columns, width));
      if (team.rank() == 0) {
        watch.look(cost(rows.rows, columns.size()), 0);
      }
    }
  }
}

// The product with b [depth, columns] or, transposed, [columns, depth], in place of its own; each thread computes some
// of the rows. It ends early where the watch asks to stop; what it wrote is then of no use.
template <class T>
void multiply(Product<T> product, const T* b, Index b_stride, bool b_transposed, Watch& watch) {
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
    multiply_in_parts(team, mine, watch);
  });
}

}  // namespace fastopt::ops
