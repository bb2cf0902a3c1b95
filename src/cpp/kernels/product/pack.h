// Copies of the factors of a product in the order in which the register tiles read them.
#pragma once

#include <algorithm>

#include "kernels/product/tile.h"
#include "simd/transpose.h"

namespace fastopt::FASTOPT_ISA {

// A single panel is only as wide as it must be.
template <class T>
Index packed_width(Index columns) {
  return std::clamp<Index>((columns + lanes<T> - 1) / lanes<T> * lanes<T>, lanes<T>, panel_width<T>);
}

// `used` columns of b as a panel of `width`, filled up with zeros.
template <class T>
void pack_panel(const T* b, Index stride, Index depth, Index used, Index width, T* to) {
  if (used == panel_width<T>) {
    for (Index k = 0; k < depth; ++k) {
      unroll<blocking.vectors>([&](auto v) __attribute__((always_inline)) {
        store<T>(load<T>(b + k * stride + v * lanes<T>), to + k * panel_width<T> + v * lanes<T>);
      });
    }
  } else {
    for (Index j = 0; j < width; j += lanes<T>) {
      const Mask<T> mask = first_lanes<T>(used - j);
      for (Index k = 0; k < depth; ++k) {
        store<T>(load<T>(b + k * stride + j, mask), to + k * width + j);
      }
    }
  }
}

// Panels of b [depth, columns] or, transposed, of b^T with b [columns, depth].
template <class T>
void pack(const T* b, Index stride, bool transposed, Index depth, Index columns, Range panels, T* packed) {
  const Index width = packed_width<T>(columns);
  for (Index panel = panels.begin; panel < panels.end; ++panel) {
    T* to = packed + panel * depth * width;
    const Index first = panel * width;
    const Index used = std::min(width, columns - first);
    if (transposed) {
      for (Index j = 0; j < width; j += lanes<T>) {
        transpose<T>(b + (first + j) * stride, stride, std::clamp<Index>(used - j, 0, lanes<T>), depth, to + j, width);
      }
    } else {
      pack_panel(b + first, stride, depth, used, width, to);
    }
  }
}

// Rows of a that one tile takes, as [depth, rows]. Whole vectors are stored: up to one of them beyond the end.
template <class T>
void pack_rows(const Rows<const T>& a, Index rows, Index depth, T* to) {
  constexpr int n = lanes<T>, squares = (max_tile_rows + n - 1) / n;
  const T* from[squares * n];
  for (int r = 0; r < squares * n; ++r) {
    from[r] = a.row(r < rows ? r : 0);
  }
  Index k = 0;
  for (; k + n <= depth; k += n) {
    Raw<T> square[squares][n];
    unroll<squares>([&](auto s) __attribute__((always_inline)) {
      if (s * n < rows) {
        unroll<n>([&](auto i)
                      __attribute__((always_inline)) { square[s][i] = bits<Raw<T>>(load<T>(from[s * n + i] + k)); });
        transpose_square<T>(square[s]);
      }
    });
    unroll<n>([&](auto i) __attribute__((always_inline)) {
      unroll<squares>([&](auto s) __attribute__((always_inline)) {
        if (s * n < rows) {
          store<T>(bits<Vec<T>>(square[s][i]), to + (k + i) * rows + s * n);
        }
      });
    });
  }
  for (; k < depth; ++k) {
    for (Index r = 0; r < rows; ++r) {
      to[k * rows + r] = from[r][k];
    }
  }
}

// One of the `depth` rows of a transposed a, of which `count` tiles take `rows` elements each: to `to`, `to` + `step`
// and so on. It can be read for `readable` elements.
template <class T>
void pack_columns(const T* a, Index readable, Index rows, Index count, T* to, Index step) {
  constexpr Index n = lanes<T>;
  constexpr int vectors = (max_tile_rows + lanes<T> - 1) / lanes<T>;
  for (Index i = 0; i < count; ++i, a += rows, to += step, readable -= rows) {
    if (readable >= vectors * n) {
      unroll<vectors>([&](auto v) __attribute__((always_inline)) {
        if (v * n < rows) {
          store<T>(load<T>(a + v * n), to + v * n);
        }
      });
    } else {
      std::copy_n(a, rows, to);
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
