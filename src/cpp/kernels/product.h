// The matrix product behind all three passes of a dense layer.
//
// A tile of `rows` x `vectors` accumulators stays in registers while the depth is swept (Goto and van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008). An element is always summed over the depth in the same
// order, whatever tile it falls into, so the result does not depend on how rows are shared among threads.
#pragma once

#include <algorithm>

#include "kernels/activation.h"
#include "kernels/product/args.h"
#include "simd/transpose.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr int tile_vectors = vector_registers == 32 ? 4 : 2;

template <class T>
inline constexpr int panel_width = tile_vectors * lanes<T>;

constexpr int tile_rows_for(int vectors) {
  if (vector_registers == 32) {
    return vectors == 4 ? 6 : 8;
  }
  return vectors == 2 ? 6 : 8;
}

inline constexpr int most_tile_rows = 8;

template <class T>
struct Tile {
  Rows<const T> a;
  Index first_row, first_depth, depth;
  const T* b;
  Index b_stride;
  Rows<T> c;
  const T* bias;
  bool accumulate;
  Index last_columns;  // used lanes of the last vector
};

template <class T, bool transposed, bool tail, int rows, int vectors>
void multiply_tile(const Tile<T>& t) {
  using V = Vec<T>;
  const Mask<T> mask = first_lanes<T>(t.last_columns);
  const auto load_right = [&](const T* p, auto v) __attribute__((always_inline)) {
    if constexpr (tail && v == vectors - 1) {
      return load<T>(p + v * lanes<T>, mask);
    } else {
      return load<T>(p + v * lanes<T>);
    }
  };
  // Only b may be readable past its last column.
  const auto load_exact = [&](const T* p, auto v) __attribute__((always_inline)) {
    const bool whole = v < vectors - 1 || t.last_columns == lanes<T>;
    return whole ? load<T>(p + v * lanes<T>) : load<T>(p + v * lanes<T>, mask);
  };
  V sum[rows][vectors];
  unroll<vectors>([&](auto v) __attribute__((always_inline)) {
    const V start = t.bias && !t.accumulate ? load_exact(t.bias, v) : V(T(0));
    unroll<rows>([&](auto r) __attribute__((always_inline)) { sum[r][v] = start; });
  });
  if (t.accumulate) {
    unroll<rows>([&](auto r) __attribute__((always_inline)) {
      unroll<vectors>([&](auto v) __attribute__((always_inline)) { sum[r][v] = load_exact(t.c.row(r), v); });
    });
  }
  const T* b = t.b;
  const T* a[rows];
  if constexpr (!transposed) {
    unroll<rows>([&](auto r) __attribute__((always_inline)) { a[r] = t.a.row(t.first_row + r) + t.first_depth; });
  }
  const auto step = [&](Index k) __attribute__((always_inline)) {
    V right[vectors];
    unroll<vectors>([&](auto v) __attribute__((always_inline)) { right[v] = load_right(b, v); });
    const T* column = transposed ? t.a.row(t.first_depth + k) + t.first_row : nullptr;
    unroll<rows>([&](auto r) __attribute__((always_inline)) {
      const V left = transposed ? column[r] : a[r][k];
      unroll<vectors>([&](auto v) __attribute__((always_inline)) { sum[r][v] += left * right[v]; });
    });
    b += t.b_stride;
  };
  Index k = 0;
  for (; k + 4 <= t.depth; k += 4) {
    unroll<4>([&](auto i) __attribute__((always_inline)) { step(k + i); });
  }
  for (; k < t.depth; ++k) {
    step(k);
  }
  unroll<rows>([&](auto r) __attribute__((always_inline)) {
    unroll<vectors>([&](auto v) __attribute__((always_inline)) {
      T* c = t.c.row(r) + v * lanes<T>;
      if (v < vectors - 1 || t.last_columns == lanes<T>) {
        store<T>(sum[r][v], c);
      } else {
        store<T>(sum[r][v], c, mask);
      }
    });
  });
}

template <class T>
using TileKernel = void (*)(const Tile<T>&);

template <class T, bool transposed, bool tail>
inline constexpr auto tile_kernels = []<int... I>(std::integer_sequence<int, I...>) {
  constexpr auto kernel = []<int i>() -> TileKernel<T> {
    constexpr int rows = i / tile_vectors + 1, vectors = i % tile_vectors + 1;
    if constexpr (rows <= tile_rows_for(vectors)) {
      return multiply_tile<T, transposed, tail, rows, vectors>;
    } else {
      return nullptr;
    }
  };
  return std::array<TileKernel<T>, sizeof...(I)> { kernel.template operator()<I>()... };
}(std::make_integer_sequence<int, most_tile_rows * tile_vectors>{});

// A block of `a` and the slice of a panel that it meets stay in the second-level cache (measured: 128 to 512 by 96 to
// 384).
inline constexpr Index depth_block = 256;
inline constexpr Index row_block = 192;

// The activation, or its derivative, on a part of c that was just written.
template <class T>
void finish(const Product<T>& p, Range rows, Range columns) {
  if (p.epilogue == Epilogue::none) {
    return;
  }
  Rows<T> c = p.c.from(rows.begin);
  c.data += columns.begin;
  if (p.epilogue == Epilogue::activate) {
    activate_kernels<T>[p.activation]({c.data, c.stride}, c, rows.size(), columns.size());
  } else {
    Rows<const T> y = p.y.from(rows.begin);
    y.data += columns.begin;
    differentiate_kernels<T>[p.activation](y, {c.data, c.stride}, c, rows.size(), columns.size());
  }
}

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
void multiply_narrow(const Product<T>& p) {
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

// c^T = b^T a, a panel of its columns at a time.
template <class T>
void multiply_narrow_transposed(const Product<T>& p) {
  T c[most_narrow_columns<T>][panel_width<T>];
  for (Index first = 0; first < p.rows; first += panel_width<T>) {
    const Index rows = std::min<Index>(panel_width<T>, p.rows - first);
    multiply<T>({.rows = p.columns,
                 .columns = rows,
                 .depth = p.depth,
                 .a = {p.b.data, p.b.row_stride},
                 .a_transposed = true,
                 .b = {p.a.data + first, p.a.stride, panel_width<T>, false},
                 .c = {c[0], panel_width<T>}});
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < p.columns; ++j) {
        p.c.row(first + i)[j] = c[j][i];
      }
    }
  }
}

template <class T>
void multiply(const Product<T>& p) {
  if (p.columns == 0) {
    return;
  }
  if (p.columns <= narrow_columns<T>) {
    if (p.a_transposed && !p.a.index && p.rows >= lanes<T>) {
      return multiply_narrow_transposed(p);
    }
    if (!p.a_transposed && p.depth >= 4 * lanes<T>) {
      return multiply_narrow(p);
    }
  }
  constexpr auto table = [](bool transposed, bool tail) -> const TileKernel<T>* {
    if (transposed) {
      return tail ? tile_kernels<T, true, true>.data() : tile_kernels<T, true, false>.data();
    }
    return tail ? tile_kernels<T, false, true>.data() : tile_kernels<T, false, false>.data();
  };
  for (Index block = 0; block < p.rows; block += row_block) {
    const Index block_rows = std::min(row_block, p.rows - block);
    Index depth = 0;
    do {
      const Index depth_step = std::min(depth_block, p.depth - depth);
      const bool last = depth + depth_step >= p.depth;
      for (Index column = 0, panel = 0; column < p.columns; column += panel_width<T>, ++panel) {
        const Index columns = std::min<Index>(panel_width<T>, p.columns - column);
        const int vectors = static_cast<int>((columns + lanes<T> - 1) / lanes<T>);
        const Index last_columns = columns - (vectors - 1) * lanes<T>;
        const TileKernel<T>* kernels = table(p.a_transposed, last_columns < lanes<T> && !p.b.padded);
        const Index tiles = (block_rows + tile_rows_for(vectors) - 1) / tile_rows_for(vectors);
        for (Index i = 0; i < tiles; ++i) {
          // Even shares: a short last tile would leave accumulators, and so the pipelines, idle.
          const Index first = block + block_rows * i / tiles;
          const int rows = static_cast<int>(block + block_rows * (i + 1) / tiles - first);
          Rows<T> c = p.c.from(first);
          c.data += column;
          kernels[(rows - 1) * tile_vectors + vectors - 1](
              {p.a, first, depth, depth_step, p.b.data + panel * p.b.panel_stride + depth * p.b.row_stride,
               p.b.row_stride, c, p.bias ? p.bias + column : nullptr, depth > 0, last_columns});
          if (last) {
            finish(p, {first, first + rows}, {column, column + columns});
          }
        }
      }
      depth += depth_step;
    } while (depth < p.depth);
  }
}

// A single panel is only as wide as it must be.
template <class T>
Index packed_width(Index columns) {
  return std::clamp<Index>((columns + lanes<T> - 1) / lanes<T> * lanes<T>, lanes<T>, panel_width<T>);
}

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
      for (Index k = 0; k < depth; ++k) {
        std::copy_n(b + k * stride + first, used, to + k * width);
        std::fill(to + k * width + used, to + (k + 1) * width, T(0));
      }
    }
  }
}

template <class T>
void column_sum(Rows<const T> x, Index rows, Range columns, T* sum) {
  for_each_vector<T>(columns.size(), [&](Index j, auto load, auto store) {
    Vec<T> total = 0;
    for (Index i = 0; i < rows; ++i) {
      total += load(x.row(i) + columns.begin + j);
    }
    store(total, sum + columns.begin + j);
  });
}

}  // namespace fastopt::FASTOPT_ISA
