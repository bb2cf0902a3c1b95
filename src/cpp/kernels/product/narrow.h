// Products with so few columns that tiles would leave most of their lanes idle.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/product/finish.h"
#include "kernels/product/tile.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// Vectors run along the depth, as many at a time as make 64 bytes: lanes are summed in the same order whatever their
// number.
template <class T>
inline constexpr int dot_vectors = 64 / static_cast<int>(sizeof(Vec<T>));

// More columns do better in tiles.
template <class T>
inline constexpr int narrow_columns = 16 / static_cast<int>(sizeof(T));

template <class T>
constexpr int dot_rows(int columns) {
  return std::max(1, blocking.chains / (columns * dot_vectors<T>));
}

inline constexpr Index dot_depth = 1024;

// c += a b, with b^T as rows of `dot_depth`.
template <class T, int rows, int columns>
void multiply_dots(const Rows<const T>& a, const T* b, Index depth, const Rows<T>& c) {
  constexpr int n = dot_vectors<T>;
  constexpr Index width = n * lanes<T>;
  Vec<T> sum[rows][columns][n];
  unroll<rows * columns * n>([&](auto i) { sum[i / n / columns][i / n % columns][i % n] = T(0); });
  const T* row[rows];
  unroll<rows>([&](auto i) { row[i] = a.row(i); });
  const auto step = [&](Index k, auto&& read) __attribute__((always_inline)) {
    unroll<n>([&](auto v) __attribute__((always_inline)) {
      const Index at = k + v * lanes<T>;
      Vec<T> right[columns];
      unroll<columns>([&](auto j) __attribute__((always_inline)) { right[j] = read(b + j * dot_depth + at, at); });
      unroll<rows>([&](auto i) __attribute__((always_inline)) {
        const Vec<T> left = read(row[i] + at, at);
        unroll<columns>([&](auto j) __attribute__((always_inline)) { sum[i][j][v] += left * right[j]; });
      });
    });
  };
  Index k = 0;
  for (; k + width <= depth; k += width) {
    step(k, [](const T* p, Index) { return load<T>(p); });
  }
  if (k < depth) {
    step(k, [&](const T* p, Index at) { return load<T>(p, first_lanes<T>(depth - at)); });
  }
  unroll<rows>([&](auto i) {
    unroll<columns>([&](auto j) {
      Vec<T>(&s)[n] = sum[i][j];
      for (int half = n / 2; half > 0; half /= 2) {
        for (int v = 0; v < half; ++v) {
          s[v] += s[v + half];
        }
      }
      c.row(i)[j] += reduce(s[0]);
    });
  });
}

template <class T>
struct DotKernels {
  using Kernel = void (*)(const Rows<const T>& a, const T* b, Index depth, const Rows<T>& c);
  Index rows;
  Kernel many, one;  // for `rows` rows, and for one
};

template <class T>
inline constexpr auto dot_kernels = [] {
  std::array<DotKernels<T>, narrow_columns<T>> kernels{};
  unroll<narrow_columns<T>>([&](auto j) {
    constexpr int columns = j + 1, rows = dot_rows<T>(columns);
    kernels[j] = {rows, multiply_dots<T, rows, columns>, multiply_dots<T, 1, columns>};
  });
  return kernels;
}();

template <class T>
void multiply_by_dots(const Product<T>& p) {
  for (Index i = 0; i < p.rows && !p.accumulate; ++i) {
    for (Index j = 0; j < p.columns; ++j) {
      p.c.row(i)[j] = p.bias ? p.bias[j] : T(0);
    }
  }
  const DotKernels<T>& kernels = dot_kernels<T>[static_cast<std::size_t>(p.columns - 1)];
  alignas(64) T b[narrow_columns<T> * dot_depth];
  for (Index first = 0, depth = 0; first < p.depth; first += depth) {
    depth = std::min(dot_depth, p.whole_run() - first % p.whole_run());
    for (Index k = 0; k < depth; ++k) {
      for (Index j = 0; j < p.columns; ++j) {
        b[j * dot_depth + k] = p.b.data[(first + k) * p.b.row_stride + j];
      }
    }
    for (Index i = 0; i < p.rows;) {
      const bool many = i + kernels.rows <= p.rows;
      Rows<const T> a = p.a.from(i);
      a.data += p.a_at(first);
      (many ? kernels.many : kernels.one)(a, b, depth, p.c.from(i));
      i += many ? kernels.rows : 1;
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
  T c[narrow_columns<T>][width];
  for (Index first = 0; first < p.rows; first += width) {
    const Index rows = std::min(width, p.rows - first);
    for (Index i = 0; p.accumulate && i < rows; ++i) {
      for (Index j = 0; j < p.columns; ++j) {
        c[j][i] = p.c.row(first + i)[j];
      }
    }
    multiply<T>({.rows = p.columns,
                 .columns = rows,
                 .depth = p.depth,
                 .a = {p.b.data, p.b.row_stride},
                 .a_transposed = true,
                 .b = {p.a.data + first, p.a.stride, panel_width<T>, false},
                 .c = {c[0], width},
                 .accumulate = p.accumulate,
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
    if (p.a.index || p.run > 0 || p.rows <= narrow_columns<T>) {  // c^T would be narrow as well
      return false;
    }
    multiply_transposed(p);
  } else {
    if (p.whole_run() < 256 / static_cast<Index>(sizeof(T))) {
      return false;
    }
    multiply_by_dots(p);
  }
  return true;
}

}  // namespace fastopt::FASTOPT_ISA
