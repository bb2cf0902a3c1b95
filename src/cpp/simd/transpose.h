// Transposition in registers: log2(n) rounds of perfect shuffles.
#pragma once

#include <algorithm>
#include <cstring>

#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
using Raw [[gnu::vector_size(sizeof(Vec<T>))]] = T;

// The lanes with these numbers, of those of a and then those of b.
template <class T, int... lane>
[[gnu::always_inline]] inline Raw<T> shuffled(Raw<T> a, Raw<T> b) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(a, b, lane...);
#else
  using Lanes [[gnu::vector_size(sizeof(Raw<T>))]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  return __builtin_shuffle(a, b, Lanes{lane...});
#endif
}

// Half of the pairs a0 b0 a1 b1 ... of units of `width` lanes: the first half or the second of each `span` lanes. Units
// of elements within 16 bytes, and units of 16 bytes, are one instruction on every processor.
template <class T, int width, int span, int half>
[[gnu::always_inline]] inline Raw<T> interleave(Raw<T> a, Raw<T> b) {
  return [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    constexpr auto lane = [](int i) {
      const int unit = i % span / width + half * (span / width);
      return i / span * span + unit / 2 * width + i % width + unit % 2 * lanes<T>;
    };
    return shuffled<T, lane(I)...>(a, b);
  }(std::make_integer_sequence<int, lanes<T>>{});
}

// One round of perfect shuffles in each group of `group` adjacent vectors that are `step` apart.
template <class T, int width, int span, int group, int step>
[[gnu::always_inline]] inline void shuffle_round(Raw<T> (&a)[lanes<T>]) {
  Raw<T> b[lanes<T>];
  unroll<lanes<T> / 2>([&](auto i) __attribute__((always_inline)) {
    constexpr int pair = i / step % (group / 2), first = i / (step * group / 2) * step * group + i % step;
    b[first + 2 * pair * step] =
        interleave<T, width, span, 0>(a[first + pair * step], a[first + (pair + group / 2) * step]);
    b[first + (2 * pair + 1) * step] =
        interleave<T, width, span, 1>(a[first + pair * step], a[first + (pair + group / 2) * step]);
  });
  unroll<lanes<T>>([&](auto i) __attribute__((always_inline)) { a[i] = b[i]; });
}

// The square of as many vectors as a vector has lanes: first the squares within 16 bytes, then that of those squares.
template <class T>
[[gnu::always_inline]] inline void transpose_square(Raw<T> (&a)[lanes<T>]) {
  constexpr int unit = 16 / sizeof(T), units = lanes<T> / unit;
  unroll<std::bit_width(static_cast<unsigned>(unit)) - 1>(
      [&](auto) __attribute__((always_inline)) { shuffle_round<T, 1, unit, unit, 1>(a); });
  unroll<std::bit_width(static_cast<unsigned>(units)) - 1>(
      [&](auto) __attribute__((always_inline)) { shuffle_round<T, unit, lanes<T>, units, unit>(a); });
}

// to[k * lanes + i] = row(i)[k] for i < rows <= lanes and k < columns. Whole squares are written; what stands in lanes
// without a row does not matter.
template <class T, class Row>
[[gnu::always_inline]] inline void transpose_rows(Row&& row, std::int64_t rows, std::int64_t columns, T* to) {
  constexpr int n = lanes<T>;
  const T* from[n];
  for (int i = 0; i < n; ++i) {
    from[i] = row(i < rows ? i : 0);
  }
  const auto square = [&](std::int64_t k, auto&& read) __attribute__((always_inline)) {
    Raw<T> a[n];
    unroll<n>([&](auto i) __attribute__((always_inline)) { a[i] = bits<Raw<T>>(read(from[i] + k)); });
    transpose_square<T>(a);
    unroll<n>([&](auto i) __attribute__((always_inline)) { std::memcpy(to + (k + i) * n, &a[i], sizeof a[i]); });
  };
  std::int64_t k = 0;
  for (; k + n <= columns; k += n) {
    square(k, [](const T* p) __attribute__((always_inline)) { return load<T>(p); });
  }
  if (k < columns) {
    const Mask<T> mask = first_lanes<T>(columns - k);
    square(k, [&](const T* p) __attribute__((always_inline)) { return load<T>(p, mask); });
  }
}

// The way back: row(i)[k] = from[k * lanes + i] for i < rows <= lanes and k < columns. Whole squares are read.
template <class T, class Row>
[[gnu::always_inline]] inline void transpose_columns(const T* from, std::int64_t rows, std::int64_t columns,
                                                     Row&& row) {
  constexpr int n = lanes<T>;
  for (std::int64_t k = 0; k < columns; k += n) {
    Raw<T> a[n];
    unroll<n>([&](auto i) __attribute__((always_inline)) { std::memcpy(&a[i], from + (k + i) * n, sizeof a[i]); });
    transpose_square<T>(a);
    const bool whole = columns - k >= n;
    const Mask<T> mask = first_lanes<T>(columns - k);
    for (int i = 0; i < rows; ++i) {
      if (whole) {
        store<T>(bits<Vec<T>>(a[i]), row(i) + k);
      } else {
        store<T>(bits<Vec<T>>(a[i]), row(i) + k, mask);
      }
    }
  }
}

// to[k * to_stride + i] = from[i * from_stride + k] for i < rows <= lanes and k < columns; rows up to a full vector
// become zeros.
template <class T>
void transpose(const T* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns, T* to,
               std::int64_t to_stride) {
  constexpr int n = lanes<T>;
  std::int64_t k = 0;
  if (rows == n) {
    for (; k + n <= columns; k += n) {
      Raw<T> a[n];
      unroll<n>([&](auto i) { std::memcpy(&a[i], from + i * from_stride + k, sizeof a[i]); });
      transpose_square<T>(a);
      unroll<n>([&](auto i) { std::memcpy(to + (k + i) * to_stride, &a[i], sizeof a[i]); });
    }
  }
  for (; k < columns; ++k) {
    T* row = to + k * to_stride;
    for (std::int64_t i = 0; i < rows; ++i) {
      row[i] = from[i * from_stride + k];
    }
    std::fill(row + rows, row + n, T(0));
  }
}

}  // namespace fastopt::FASTOPT_ISA
