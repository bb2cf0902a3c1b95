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
      unroll<std::bit_width(static_cast<unsigned>(n)) - 1>([&](auto) __attribute__((always_inline)) {
        Raw<T> b[n];
        unroll<n / 2>([&](auto i) __attribute__((always_inline)) {
          b[2 * i] = interleave<T, 0>(a[i], a[i + n / 2]);
          b[2 * i + 1] = interleave<T, 1>(a[i], a[i + n / 2]);
        });
        unroll<n>([&](auto i) __attribute__((always_inline)) { a[i] = b[i]; });
      });
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
