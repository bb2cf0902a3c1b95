// Images that are turned and distorted.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/augment/args.h"
#include "simd/transpose.h"

namespace fastopt::FASTOPT_ISA {

// What the pixels of a row or of a column have in common: of each coordinate a whole number and a part from 0 to 1, so
// that distances within a pixel have all digits of T.
template <class T>
struct Coordinates {
  T *y_whole, *y_part, *x_whole, *x_part;

  void set(Index k, double y, double x) const {
    const double y_low = std::floor(y), x_low = std::floor(x);
    y_whole[k] = static_cast<T>(y_low);
    y_part[k] = static_cast<T>(y - y_low);
    x_whole[k] = static_cast<T>(x_low);
    x_part[k] = static_cast<T>(x - x_low);
  }
};

// Rows of which the places are found before their values are read: some hundreds of pixels, or one row.
inline Index block_rows(Index width) {
  return std::max<Index>(1, 256 / width);
}

// What `warp` works in. Whole vectors are written: behind the last pixel there is room for one.
template <class T>
struct WarpMemory {
  static constexpr Index spare = 16;

  WarpMemory(Index width, T* memory)
      : padded(width + spare),
        pixels(block_rows(width) * width + spare),
        columns{memory, memory + padded, memory + 2 * padded, memory + 3 * padded},
        fy(memory + 4 * padded),
        fx(fy + pixels),
        source(reinterpret_cast<std::int32_t*>(fx + pixels)) {}

  Index padded, pixels;
  Coordinates<T> columns;
  T *fy, *fx;            // how far below and beside
  std::int32_t* source;  // this pixel, the upper left of four
};

template <class T>
Index warp_memory(Index width) {
  return 4 * (width + WarpMemory<T>::spare) + 3 * (block_rows(width) * width + WarpMemory<T>::spare);
}

// Between four neighbours: the upper ones, left and right, and the lower ones.
template <class V>
[[gnu::always_inline]] inline V bilinear(const V (&upper)[2], const V (&lower)[2], const V& fy, const V& fx) {
  const V above = upper[0] + fx * (upper[1] - upper[0]), under = lower[0] + fx * (lower[1] - lower[0]);
  return above + fy * (under - above);
}

// Pixels of several channels, or of float64.
template <class T>
void interpolate(const T* x, Index below, Index channels, const WarpMemory<T>& m, Index count, T* to) {
  for (Index j = 0; j < count; ++j) {
    const T* const at = x + m.source[j] * channels;
    for (Index c = 0; c < channels; ++c) {
      to[j * channels + c] =
          bilinear<T>({at[c], at[c + channels]}, {at[below + c], at[below + c + channels]}, m.fy[j], m.fx[j]);
    }
  }
}

// The first of each pair of neighbours, or the second; of each four pairs `a` has two, `b` the others.
template <int part>
[[gnu::always_inline]] inline Vec<float> one_of_pairs(const Vec<double>& a, const Vec<double>& b) {
  return [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    constexpr auto lane = [](int i) { return i / 4 * 4 + i % 2 * 2 + part + i / 2 % 2 * lanes<float>; };
    return bits<Vec<float>>(shuffled<float, lane(I)...>(bits<Raw<float>>(a), bits<Raw<float>>(b)));
  }(std::make_integer_sequence<int, lanes<float>>{});
}

// Pixels of one channel: two neighbours are read as one number of twice the size.
inline void interpolate_pairs(const float* x, Index below, const WarpMemory<float>& m, Index count, float* to) {
  for_each_vector<float>(count, [&](Index j, auto&&, auto&& store_some) __attribute__((always_inline)) {
    // Of each four pixels the first two, or the next.
    const auto pairs = [&, source = m.source + j](const float* from, int next) __attribute__((always_inline)) {
      return Vec<double>([&](auto q) __attribute__((always_inline)) {
        double pair;
        std::memcpy(&pair, from + source[q / 2 * 4 + q % 2 + next], sizeof pair);
        return pair;
      });
    };
    const Vec<double> a = pairs(x, 0), b = pairs(x, 2), c = pairs(x + below, 0), d = pairs(x + below, 2);
    store_some(bilinear<Vec<float>>({one_of_pairs<0>(a, b), one_of_pairs<1>(a, b)},
                                    {one_of_pairs<0>(c, d), one_of_pairs<1>(c, d)}, load<float>(m.fy + j),
                                    load<float>(m.fx + j)),
               to + j);
  });
}

// Where the pixels of a row come from: those of the row plus those of each column, plus those of a field, if there is.
template <bool distorts, class T>
void locate(const Warp<T>& w, const WarpMemory<T>& m, Index i, Index at) {
  using V = Vec<T>;
  const auto [height, width, channels] = w.size;
  const double u = static_cast<double>(i) - static_cast<double>(height - 1) / 2;
  T row_values[4];
  Coordinates<T>{row_values, row_values + 1, row_values + 2, row_values + 3}.set(
      0, static_cast<double>(height - 1) / 2 + w.down + w.yy * u, w.xy * u);
  const V y_whole = row_values[0], y_part = row_values[1], x_whole = row_values[2], x_part = row_values[3];
  const V last_row = static_cast<T>(height - 1), last_column = static_cast<T>(width - 1),
          length = static_cast<T>(width);
  const V zeros = static_cast<T>(height * width);
  for_each_vector<T>(width, [&](Index j, [[maybe_unused]] auto&& load_some, auto&&) __attribute__((always_inline)) {
    V y = y_part + load<T>(m.columns.y_part + j), x = x_part + load<T>(m.columns.x_part + j);
    if constexpr (distorts) {
      y += V(w.dy_factor) * load_some(w.dy + i * w.stride + j);
      x += V(w.dx_factor) * load_some(w.dx + i * w.stride + j);
    }
    const V y_low = floor(y), x_low = floor(x), fy = y - y_low, fx = x - x_low;
    const V row = y_whole + load<T>(m.columns.y_whole + j) + y_low,
            column = x_whole + load<T>(m.columns.x_whole + j) + x_low;
    V source = zeros;
    where(row >= V(0) && column >= V(0) && fy <= last_row - row && fx <= last_column - column, source) =
        row * length + column;
    store<T>(fy, m.fy + at + j);
    store<T>(fx, m.fx + at + j);
    stdx::static_simd_cast<stdx::rebind_simd_t<std::int32_t, V>>(source).copy_to(m.source + at + j,
                                                                                 stdx::element_aligned);
  });
}

template <class T>
void warp(const Warp<T>& w) {
  const auto [height, width, channels] = w.size;
  const WarpMemory<T> m(width, w.memory);
  const double centre = static_cast<double>(width - 1) / 2;
  for (Index j = 0; j < m.padded; ++j) {
    const double v = static_cast<double>(j) - centre;
    m.columns.set(j, w.yx * v, centre + w.right + w.xx * v);
  }
  for (Index first = 0; first < height; first += block_rows(width)) {
    const Index end = std::min(height, first + block_rows(width)), count = (end - first) * width;
    for (Index i = first; i < end; ++i) {
      if (w.dy) {
        locate<true>(w, m, i, (i - first) * width);
      } else {
        locate<false>(w, m, i, (i - first) * width);
      }
    }
    T* const to = w.y + first * width * channels;
    if constexpr (sizeof(T) == 4) {
      if (channels == 1) {
        interpolate_pairs(w.x, width, m, count, to);
        continue;
      }
    }
    interpolate(w.x, width * channels, channels, m, count, to);
  }
}

}  // namespace fastopt::FASTOPT_ISA
