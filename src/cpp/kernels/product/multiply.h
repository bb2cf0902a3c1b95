// The matrix product behind all three passes of a dense layer: blocks of the factors that stay in cache, taken by
// register tiles.
#pragma once

#include <cstdint>

#include "kernels/product/few_rows.h"
#include "kernels/product/finish.h"
#include "kernels/product/narrow.h"
#include "kernels/product/pack.h"

namespace fastopt::FASTOPT_ISA {

// f(size, first, count) for even parts of 0..total-1 of at most `max_size`, larger ones first: a short last part would
// leave accumulators, and so the pipelines, idle.
template <class F>
[[gnu::always_inline]] inline void for_each_size(Index total, Index max_size, F&& f) {
  if (total <= max_size) {
    f(total, Index{0}, Index{1});
    return;
  }
  const Index parts = (total + max_size - 1) / max_size, size = total / parts, larger = total % parts;
  if (larger > 0) {
    f(size + 1, Index{0}, larger);
  }
  f(size, larger * (size + 1), parts - larger);
}

// f(part) for each of them.
template <class F>
[[gnu::always_inline]] inline void for_each_part(Index total, Index max_size, F&& f) {
  for_each_size(total, max_size, [&](Index size, Index first, Index count) {
    for (Index i = 0; i < count; ++i) {
      f(Range{first + i * size, first + (i + 1) * size});
    }
  });
}

// What some rows of a and a part of its depth add to a product.
template <class T, bool transposed>
class Block {
 public:
  Block(const Product<T>& product, Range rows, Range depth)
      : p_(product),
        rows_(rows),
        depth_(depth),
        copies_a_(p_.columns >= (transposed ? blocking.copy_transposed_a_columns : blocking.copy_a_columns) ||
                  (transposed && p_.a.index)),
        copies_b_(rows.size() >= blocking.copy_b_rows &&
                  (spread(depth.size()) || unaligned() || crowded(depth.size()))),
        b_(reinterpret_cast<T*>(p_.scratch)),
        a_(b_ + depth_block<T> * panel_width<T>) {
    static_assert((depth_block<T> * panel_width<T> + row_block<T> * (depth_block<T> + lanes<T>)) * sizeof(T) <=
                  product_scratch);
    if (copies_a_) {
      copy_a();
    }
  }

  void multiply() {
    const int together = rows_.size() <= max_tile_rows ? tile_panels(static_cast<int>(rows_.size())) : 1;
    for (Index column = 0; column < p_.columns;) {
      const int panels = column + together * panel_width<T> <= p_.columns ? together : 1;
      multiply_panels(column, panels);
      column += panels * panel_width<T>;
    }
  }

 private:
  // Whether the rows of a slice of b lie far apart, or its vectors across cache lines.
  bool spread(Index depth) const {
    return depth * p_.b.row_stride * static_cast<Index>(sizeof(T)) >= blocking.copy_b_span;
  }
  // Whether the lines of a slice of b displace each other in a first-level cache of 32 KiB, as only so many have places
  // of the same distance.
  bool crowded(Index depth) const {
    const Index step = p_.b.row_stride * static_cast<Index>(sizeof(T));
    return rows_.size() >= 64 && step % 256 == 0 && depth * (step & -step) > 24576;
  }
  bool unaligned() const {
    return (reinterpret_cast<std::uintptr_t>(p_.b.data) | (p_.b.row_stride * sizeof(T))) % sizeof(Vec<T>) != 0;
  }

  Index run() const { return std::min(depth_.size(), p_.whole_run()); }

  // From a row of the copy of a to the next: room for what `pack_rows` stores beyond the end.
  Index row_step() const { return depth_.size() + lanes<T>; }

  void copy_a() {
    for_each_size(rows_.size(), blocking.rows, [&](Index size, Index first, Index count) {
      T* const to = a_ + first * row_step();
      first += rows_.begin;
      if constexpr (transposed) {
        for (Index k = 0; k < depth_.size(); ++k) {
          const T* const a = p_.a.index ? p_.a.row(depth_.begin + k) : p_.a.data + p_.a_at(depth_.begin + k);
          pack_columns(a + first, p_.rows - first, size, count, to + k * size, size * row_step());
        }
      } else {
        for (Index i = 0; i < count; ++i) {
          for (Index k = 0; k < depth_.size(); k += run()) {
            Rows<const T> a = p_.a.from(first + i * size);
            a.data += p_.a_at(depth_.begin + k);
            pack_rows(a, size, run(), to + (i * row_step() + k) * size);
          }
        }
      }
    });
  }

  void multiply_panels(Index column, int panels) {
    const Index columns = std::min<Index>(panels * panel_width<T>, p_.columns - column);
    const int vectors = static_cast<int>((columns + lanes<T> - 1) / lanes<T>);
    Tiles<T> tiles{.a = p_.a.from(rows_.begin),
                   .a_columns = a_,
                   .a_row_step = row_step(),
                   .a_column_stride = 0,
                   .depth = copies_a_ ? depth_.size() : run(),
                   .runs = copies_a_ || p_.run == 0 ? 1 : depth_.size() / run(),
                   .a_jump = p_.run_step - (transposed ? run() * p_.a.stride : 0),
                   .b = p_.b.data + column / panel_width<T> * p_.b.panel_stride + depth_.begin * p_.b.row_stride,
                   .b_stride = p_.b.row_stride,
                   .b_panel_stride = p_.b.panel_stride,
                   .b_copy = b_,
                   .c = p_.c.row(rows_.begin) + column,
                   .c_stride = p_.c.stride,
                   .bias = p_.bias ? p_.bias + column : nullptr,
                   .accumulate = p_.accumulate || depth_.begin > 0,
                   .last_columns = columns - (vectors - 1) * lanes<T>};
    const auto use_copy = [&] {
      tiles.b = b_;
      tiles.b_stride = panel_width<T>;
    };
    bool copies = copies_b_ && columns == panel_width<T>;
    if (!copies && (copies_b_ || (tiles.last_columns < lanes<T> && !p_.b.padded))) {  // tiles read whole vectors
      pack_panel(tiles.b, tiles.b_stride, depth_.size(), columns, panel_width<T>, b_);
      use_copy();
    }
    if (transposed && !copies_a_) {
      tiles.a_columns = p_.a.data + p_.a_at(depth_.begin) + rows_.begin;
      tiles.a_row_step = 1;
      tiles.a_column_stride = p_.a.stride;
    } else {
      tiles.a.data += p_.a_at(depth_.begin);
    }
    const TileKernels<T>& kernels = transposed || copies_a_ ? tile_kernels<T, true> : tile_kernels<T, false>;
    // The copy of a was made for tiles of one size.
    for_each_size(rows_.size(), tile_rows(copies_a_ ? blocking.vectors : vectors),
                  [&](Index size, Index first, Index count) {
                    if (copies_a_) {
                      tiles.a_column_stride = size;
                    }
                    if (copies) {
                      kernels.copying[size - 1](tiles, first, 1);
                      use_copy();
                      copies = false;
                      first += size;
                      --count;
                    }
                    // Rows of a that meet one panel alone come from memory.
                    const auto& one = p_.columns <= panel_width<T> && tiles.runs == 1 ? kernels.asking : kernels.one;
                    const auto kernel = panels > 1 ? kernels.more[size - 1] : one[size - 1][vectors - 1];
                    kernel(tiles, first, count);
                  });
    if (depth_.end == p_.depth) {
      finish(p_, rows_, {column, column + columns});
    }
  }

  const Product<T>& p_;
  const Range rows_, depth_;
  const bool copies_a_, copies_b_;
  T *const b_, *const a_;
};

template <class T>
void multiply(const Product<T>& p) {
  if (p.rows == 0 || p.columns == 0 || multiply_narrow(p) || multiply_few_rows(p)) {
    return;
  }
  for_each_part(p.rows, row_block<T>, [&](Range rows) {
    // Whole runs, or parts of one.
    const Index run = p.whole_run();
    for_each_part(p.depth / run, std::max<Index>(1, depth_block<T> / run), [&](Range runs) {
      for_each_part(runs.size() * run, depth_block<T>, [&](Range part) {
        const Range depth{runs.begin * run + part.begin, runs.begin * run + part.end};
        if (p.a_transposed) {
          Block<T, true>(p, rows, depth).multiply();
        } else {
          Block<T, false>(p, rows, depth).multiply();
        }
      });
    });
  });
}

}  // namespace fastopt::FASTOPT_ISA
