// Products with so few rows that they are a reading of b: row by row, as it lies in memory, while the sums stay in the
// first-level cache. Tiles would go down b instead, a cache line from each of its rows.
#pragma once

#include <algorithm>

#include "kernels/product/finish.h"
#include "kernels/product/tile.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// c += a b over `steps` rows of b from row `k` on, or, the first time, c = bias + a b.
template <class T, int rows, int steps>
void add_rows(const Product<T>& p, Index k, Range columns) {
  Vec<T> left[rows][steps];
  unroll<rows>([&](auto r) { unroll<steps>([&](auto i) { left[r][i] = p.a.row(r)[k + i]; }); });
  const T* const b = p.b.data + k * p.b.row_stride + columns.begin;
  const T* const bias = p.bias ? p.bias + columns.begin : nullptr;
  const bool accumulate = p.accumulate || k > 0;
  T* c[rows];
  unroll<rows>([&](auto r) { c[r] = p.c.row(r) + columns.begin; });
  for_each_vector<T>(columns.size(), [&](Index j, auto&& read, auto&& write) __attribute__((always_inline)) {
    Vec<T> sum[rows];
    unroll<rows>([&](auto r) __attribute__((always_inline)) {
      sum[r] = accumulate ? read(c[r] + j) : bias ? read(bias + j) : Vec<T>(T(0));
    });
    unroll<steps>([&](auto i) __attribute__((always_inline)) {
      const Vec<T> right = read(b + i * p.b.row_stride + j);
      unroll<rows>([&](auto r) __attribute__((always_inline)) { sum[r] += left[r][i] * right; });
    });
    unroll<rows>([&](auto r) __attribute__((always_inline)) { write(sum[r], c[r] + j); });
  });
}

template <class T, int rows>
void multiply_few(const Product<T>& p) {
  constexpr int steps = 8 / rows;  // eight factors of a stay in registers
  constexpr Index width = 8192 / static_cast<Index>(rows * sizeof(T));
  for (Index first = 0; first < p.columns; first += width) {
    const Range columns{first, std::min(first + width, p.columns)};
    Index k = 0;
    for (; k + steps <= p.depth; k += steps) {
      add_rows<T, rows, steps>(p, k, columns);
    }
    for (; k < p.depth; ++k) {
      add_rows<T, rows, 1>(p, k, columns);
    }
    finish(p, {0, p.rows}, columns);
  }
}

// False: its rows are not few, or those of b are so short that tiles lose nothing.
template <class T>
bool multiply_few_rows(const Product<T>& p) {
  const Index row_bytes = p.columns * static_cast<Index>(sizeof(T));
  if (p.rows > blocking.few_rows || row_bytes < blocking.few_rows_bytes || p.a_transposed || p.run > 0 ||
      p.b.panel_stride != panel_width<T> || p.depth == 0) {
    return false;
  }
  unroll<blocking.few_rows>([&](auto r) {
    if (p.rows == r + 1) {
      multiply_few<T, r + 1>(p);
    }
  });
  return true;
}

}  // namespace fastopt::FASTOPT_ISA
