// The register tile: rows x vectors sums stay in registers while the depth is swept (Goto and van de Geijn, "Anatomy of
// high-performance matrix multiplication", 2008). An element is always summed over the depth in the same order,
// whatever tile it falls into, so the result depends neither on how rows are shared among threads nor on the width of
// vectors.
#pragma once

#include <algorithm>

#include "kernels/product/blocking.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr int max_tile_rows = std::max(blocking.rows, blocking.narrow_rows);

constexpr int tile_rows(int vectors) {
  return 2 * vectors <= blocking.vectors ? blocking.narrow_rows : blocking.rows;
}

// Panels that few rows take at once, to have sums enough under way.
constexpr int tile_panels(int rows) {
  return (blocking.chains + rows * blocking.vectors - 1) / (rows * blocking.vectors);
}

// What rows of a and a panel of b, or `tile_panels` of them, add to c, or to the bias.
template <class T>
struct Tiles {
  Rows<const T> a;     // element (row, k) is a.row(row)[k]
  const T* a_columns;  // or, transposed, a_columns[row * a_row_step + k * a_column_stride]
  Index a_row_step, a_column_stride;
  Index depth, runs;  // of a run, and how many there are
  Index a_jump;       // from the end of a run, or its beginning unless a is transposed, to the next
  const T* b;
  Index b_stride, b_panel_stride;
  T* b_copy;  // where tiles that copy the panel put it, as [depth, panel_width]
  T* c;
  Index c_stride;
  const T* bias;
  bool accumulate;
  Index last_columns;  // used lanes of the last vector; b can be read beyond them, c and bias cannot
};

// `count` tiles of as many rows each, from row `first` on. The first tile that meets a panel may copy it meanwhile.
// Rows of a may be asked for one tile before: the processor alone guesses anew at each row.
template <class T, bool transposed, int rows, int vectors, bool copies = false, bool asks_for_a = false>
void multiply_tiles(const Tiles<T>& tiles, Index first, Index count) {
  using V = Vec<T>;
  const Tiles<T> t = tiles;  // else all is read again after each store to c
  const bool whole = t.last_columns == lanes<T>;
  const Mask<T> mask = first_lanes<T>(t.last_columns);
  const bool asks = blocking.c_ahead > 0 && t.runs == 1 && t.c_stride * static_cast<Index>(sizeof(T)) % 4096 == 0;
  const auto read = [&](const T* p, auto v) __attribute__((always_inline)) {
    return v < vectors - 1 || whole ? load<T>(p + v * lanes<T>) : load<T>(p + v * lanes<T>, mask);
  };
  for (const Index end = first + count * rows; first < end; first += rows) {
    T* const c = t.c + first * t.c_stride;
    V sum[rows][vectors];
    if (t.accumulate) {
      unroll<rows>([&](auto r) __attribute__((always_inline)) {
        unroll<vectors>([&](auto v) __attribute__((always_inline)) { sum[r][v] = read(c + r * t.c_stride, v); });
      });
    } else {
      unroll<vectors>([&](auto v) __attribute__((always_inline)) {
        const V start = t.bias ? read(t.bias, v) : V(T(0));
        unroll<rows>([&](auto r) __attribute__((always_inline)) { sum[r][v] = start; });
      });
    }
    constexpr int pointers = transposed ? 1 : rows;
    const T* a[pointers];
    unroll<pointers>([&](auto r) __attribute__((always_inline)) {
      a[r] = transposed ? t.a_columns + first * t.a_row_step : t.a.row(first + r);
    });
    const T* b = t.b;
    [[maybe_unused]] T* b_copy = t.b_copy;
    const auto step = [&](Index k) __attribute__((always_inline)) {
      V right[vectors];
      unroll<vectors>([&](auto v) __attribute__((always_inline)) {
        constexpr int panel = v / blocking.vectors, place = v % blocking.vectors;
        right[v] = load<T>(b + panel * t.b_panel_stride + place * lanes<T>);
        if constexpr (copies) {
          store<T>(right[v], b_copy + place * lanes<T>);
        }
      });
      if constexpr (copies) {
        b_copy += panel_width<T>;
      }
      unroll<rows>([&](auto r) __attribute__((always_inline)) {
        const V left = transposed ? a[0][r] : a[r][k];
        unroll<vectors>([&](auto v) __attribute__((always_inline)) { sum[r][v] += left * right[v]; });
      });
      b += t.b_stride;
      if constexpr (transposed) {
        a[0] += t.a_column_stride;
      }
    };
    // Until c is asked for, to the end of a run, or to the end.
    Index k = 0, run = t.runs, stop = asks ? std::max<Index>(t.depth - blocking.c_ahead, 0) : t.depth;
    for (;;) {
      constexpr int unrolled = copies ? 1 : blocking.unroll;
      if constexpr (unrolled > 1) {
        for (; k + unrolled <= stop; k += unrolled) {
          unroll<unrolled>([&](auto i) __attribute__((always_inline)) { step(k + i); });
        }
      }
      if constexpr (asks_for_a) {
        constexpr Index line = 64 / static_cast<Index>(sizeof(T));
        for (const Index last = first + rows < end ? stop - line : -1; k <= last; k += line) {
          unroll<rows>([&](auto r)
                           __attribute__((always_inline)) { __builtin_prefetch(t.a.row(first + rows + r) + k); });
          for (Index i = 0; i < line; ++i) {
            step(k + i);
          }
        }
      }
      for (; k < stop; ++k) {
        step(k);
      }
      if (stop < t.depth) {
        unroll<rows>([&](auto r) __attribute__((always_inline)) {
          __builtin_prefetch(c + r * t.c_stride, 1);
          __builtin_prefetch(c + r * t.c_stride + vectors * lanes<T> - 1, 1);
        });
        stop = t.depth;
      } else if (--run > 0) {
        unroll<pointers>([&](auto r) __attribute__((always_inline)) { a[r] += t.a_jump; });
        k = 0;
      } else {
        break;
      }
    }
    unroll<rows>([&](auto r) __attribute__((always_inline)) {
      unroll<vectors>([&](auto v) __attribute__((always_inline)) {
        T* const to = c + r * t.c_stride + v * lanes<T>;
        if (v < vectors - 1 || whole) {
          store<T>(sum[r][v], to);
        } else {
          store<T>(sum[r][v], to, mask);
        }
      });
    });
  }
}

template <class T>
struct TileKernels {
  using Kernel = void (*)(const Tiles<T>&, Index first, Index count);
  Kernel one[max_tile_rows][blocking.vectors];  // by rows and by vectors of one panel
  Kernel more[max_tile_rows];                   // by rows, of `tile_panels` whole panels
  Kernel copying[max_tile_rows];                // by rows, of one whole panel
  Kernel asking[max_tile_rows][blocking.vectors];
};

template <class T, bool transposed>
inline constexpr TileKernels<T> tile_kernels = [] {
  TileKernels<T> kernels{};
  unroll<max_tile_rows>([&](auto r) {
    constexpr int rows = r + 1;
    unroll<blocking.vectors>([&](auto v) {
      if constexpr (rows <= tile_rows(v + 1)) {
        kernels.one[r][v] = multiply_tiles<T, transposed, rows, v + 1>;
        constexpr bool asks_for_a = blocking.asks_for_a && !transposed && rows == tile_rows(v + 1);
        kernels.asking[r][v] = multiply_tiles<T, transposed, rows, v + 1, false, asks_for_a>;
      }
    });
    if constexpr (tile_panels(rows) > 1) {
      kernels.more[r] = multiply_tiles<T, transposed, rows, tile_panels(rows) * blocking.vectors>;
    }
    if constexpr (rows == blocking.rows || rows == blocking.rows - 1) {  // of many rows
      kernels.copying[r] = multiply_tiles<T, transposed, rows, blocking.vectors, true>;
    }
  });
  return kernels;
}();

}  // namespace fastopt::FASTOPT_ISA
