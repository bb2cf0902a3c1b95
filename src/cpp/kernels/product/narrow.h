// Products with so few columns that tiles would leave most of their lanes idle.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/product/finish.h"
#include "kernels/product/tile.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// At most so many columns would leave most lanes of a tile idle.
template <class T>
inline constexpr int narrow_columns = lanes<T> / 4;

template <class T>
inline constexpr int most_narrow_columns = std::max(1, narrow_columns<T>);

inline constexpr Index dot_depth = 1024;

// For narrow products vectors run along the depth, and their lanes are added up at the end. b^T comes as rows of
// `dot_depth`.
template <class T, int rows, int columns>
void multiply_dots(const T* const* a, const T* b, Index depth, const Rows<T>& c) {
  Vec<T> sum[rows][columns];
  unroll<rows * columns>([&](auto i) { sum[i / columns][i % columns] = T(0); });
  for_each_vector<T>(depth, [&](Index k, auto load, auto) __attribute__((always_inline)) {
    Vec<T> right[columns];
    unroll<columns>([&](auto j) { right[j] = load(b + j * dot_depth + k); });
    unroll<rows>([&](auto i) __attribute__((always_inline)) {
      const Vec<T> left = load(a[i] + k);
      unroll<columns>([&](auto j) __attribute__((always_inline)) { sum[i][j] += left * right[j]; });
    });
  });
  unroll<rows>([&](auto i) { unroll<columns>([&](auto j) { c.row(i)[j] += reduce(sum[i][j]); }); });
}

inline constexpr int dot_rows = 4;

template <class T>
void multiply_by_dots(const Product<T>& p) {
  constexpr int most_columns = most_narrow_columns<T>;
  constexpr auto kernels = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<void (*)(const T* const*, const T*, Index, const Rows<T>&), sizeof...(I)>{
        multiply_dots<T, I / most_columns + 1, I % most_columns + 1>...};
  }(std::make_integer_sequence<int, dot_rows * most_columns>{});
  for (Index i = 0; i < p.rows; ++i) {
    for (Index j = 0; j < p.columns; ++j) {
      p.c.row(i)[j] = p.bias ? p.bias[j] : T(0);
    }
  }
  alignas(64) T b[most_columns * dot_depth];
  for (Index depth = 0; depth < p.depth; depth += dot_depth) {
    const Index depth_step = std::min(dot_depth, p.depth - depth);
    for (Index k = 0; k < depth_step; ++k) {
      for (Index j = 0; j < p.columns; ++j) {
        b[j * dot_depth + k] = p.b.data[(depth + k) * p.b.row_stride + j];
      }
    }
    for (Index first = 0; first < p.rows; first += dot_rows) {
      const Index rows = std::min<Index>(dot_rows, p.rows - first);
      const T* a[dot_rows];
      for (Index i = 0; i < rows; ++i) {
        a[i] = p.a.row(first + i) + depth;
      }
      kernels[static_cast<std::size_t>((rows - 1) * most_columns + p.columns - 1)](a, b, depth_step, p.c.from(first));
    }
  }
  finish(p, {0, p.rows}, {0, p.columns});
}

template <class T>
void multiply(const Product<T>& p);

// c^T = b^T a, as many of its columns at a time as few rows take together.
template <class T>
void multiply_transposed(const Product<T>& p) {
  constexpr Index width = tile_panels(1) * panel_width<T>;
  T c[most_narrow_columns<T>][width];
  for (Index first = 0; first < p.rows; first += width) {
    const Index rows = std::min(width, p.rows - first);
    multiply<T>({.rows = p.columns,
                 .columns = rows,
                 .depth = p.depth,
                 .a = {p.b.data, p.b.row_stride},
                 .a_transposed = true,
                 .b = {p.a.data + first, p.a.stride, panel_width<T>, false},
                 .c = {c[0], width},
                 .scratch = p.scratch});
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < p.columns; ++j) {
        p.c.row(first + i)[j] = c[j][i];
      }
    }
  }
}

// False: it is not narrow.
template <class T>
bool multiply_narrow(const Product<T>& p) {
  if (p.columns > narrow_columns<T>) {
    return false;
  }
  if (p.a_transposed) {
    if (p.a.index || p.rows < lanes<T>) {
      return false;
    }
    multiply_transposed(p);
  } else {
    if (p.depth < 4 * lanes<T>) {
      return false;
    }
    multiply_by_dots(p);
  }
  return true;
}

}  // namespace fastopt::FASTOPT_ISA
