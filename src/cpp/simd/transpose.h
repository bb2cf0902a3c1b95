// Transposition in registers: log2(n) rounds of perfect shuffles.
#pragma once

#include <algorithm>
#include <cstring>

#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
using Raw [[gnu::vector_size(sizeof(Vec<T>))]] = T;

// Lanes n * half .. of a0 b0 a1 b1 ...
template <class T, int half>
[[gnu::always_inline]] inline Raw<T> interleave(Raw<T> a, Raw<T> b) {
  return [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    constexpr int n = lanes<T>;
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, ((I + half * n) / 2 + (I % 2) * n)...);
#else
    using Lanes [[gnu::vector_size(sizeof(Raw<T>))]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    return __builtin_shuffle(a, b, Lanes{((I + half * n) / 2 + (I % 2) * n)...});
#endif
  }(std::make_integer_sequence<int, lanes<T>>{});
}

// The square of as many vectors as a vector has lanes.
template <class T>
[[gnu::always_inline]] inline void transpose_square(Raw<T> (&a)[lanes<T>]) {
  constexpr int n = lanes<T>;
  unroll<std::bit_width(static_cast<unsigned>(n)) - 1>([&](auto) __attribute__((always_inline)) {
    Raw<T> b[n];
    unroll<n / 2>([&](auto i) __attribute__((always_inline)) {
      b[2 * i] = interleave<T, 0>(a[i], a[i + n / 2]);
      b[2 * i + 1] = interleave<T, 1>(a[i], a[i + n / 2]);
    });
    unroll<n>([&](auto i) __attribute__((always_inline)) { a[i] = b[i]; });
  });
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
