// The vector type of the instruction set that this translation unit is compiled for, its tails and its unrolled loops.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <experimental/simd>
#include <type_traits>
#include <utility>

namespace fastopt::FASTOPT_ISA {

namespace stdx = std::experimental;

template <class T>
using Vec = stdx::native_simd<T>;

template <class T>
using Mask = typename Vec<T>::mask_type;

template <class T>
inline constexpr int lanes = static_cast<int>(Vec<T>::size());

// 32 vector registers on AVX-512 and AArch64, 16 elsewhere: this decides the register tiles of the matrix product.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int vector_registers = 32;
#else
inline constexpr int vector_registers = 16;
#endif

// f(0_c), f(1_c), ..., f((N-1)_c) with the index a constant, so that arrays of vectors stay in registers.
template <int N, class F>
[[gnu::always_inline]] constexpr void unroll(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

// A constexpr array, not a generator lambda: GCC turns the comparison into one mask instruction only then.
template <class T>
inline constexpr auto lane_numbers = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<T, sizeof...(I)>{static_cast<T>(I)...};
}(std::make_index_sequence<Vec<T>::size()>{});

template <class T>
[[gnu::always_inline]] inline Mask<T> first_lanes(std::int64_t count) {
  return Vec<T>(lane_numbers<T>.data(), stdx::element_aligned) < static_cast<T>(count);
}

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* p) {
  return Vec<T>(p, stdx::element_aligned);
}

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* p, const Mask<T>& mask) {
#if defined(__AVX__)
  Vec<T> v{};
  where(mask, v).copy_from(p, stdx::element_aligned);
  return v;
#else
  // SSE has no masked load, and the library's loop for it is a function that other objects would share.
  return Vec<T>([&](auto i) { return mask[i] ? p[i] : T(0); });
#endif
}

template <class T>
[[gnu::always_inline]] inline void store(const Vec<T>& v, T* p) {
  v.copy_to(p, stdx::element_aligned);
}

// The mask is one of `first_lanes`. Without AVX-512 the lanes are stored by halves: the masked store of AVX2 takes 14
// cycles on AMD's processors, that of SSE2 goes past the caches.
template <class T>
[[gnu::always_inline]] inline void store(const Vec<T>& v, T* p, const Mask<T>& mask) {
#if defined(__AVX512F__)
  where(mask, v).copy_to(p, stdx::element_aligned);
#else
  alignas(Vec<T>) T all[lanes<T>];
  store<T>(v, all);
  const int count = popcount(mask);
  unroll<std::bit_width(static_cast<unsigned>(lanes<T>))>([&](auto k) __attribute__((always_inline)) {
    constexpr int part = lanes<T> >> k;
    if (count & part) {
      const int at = count & ~(2 * part - 1);
      std::memcpy(p + at, all + at, part * sizeof(T));
    }
  });
#endif
}

// -1, 0 or 1; NaN stays NaN.
template <class V>
inline V sign(V x) {
  where(x > V(0), x) = V(1);
  where(x < V(0), x) = V(-1);
  return x;
}

// x, or the limit where x is beyond it. A NaN stays, which max and min of std::experimental do not promise.
template <class V>
[[gnu::always_inline]] inline V at_least(V x, const V& limit) {
  where(x < limit, x) = limit;
  return x;
}

template <class V>
[[gnu::always_inline]] inline V at_most(V x, const V& limit) {
  where(x > limit, x) = limit;
  return x;
}

// Calls f(i, whole) for every vector of 0..n-1, the last one with the mask of the lanes that are left.
template <class T, class F>
[[gnu::always_inline]] inline void for_each_vector(std::int64_t n, F&& f) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) {
    f(i, [](const T* p) { return load<T>(p); }, [](const Vec<T>& v, T* p) { store<T>(v, p); });
  }
  if (i < n) {
    const Mask<T> mask = first_lanes<T>(n - i);
    f(i, [&](const T* p) { return load<T>(p, mask); }, [&](const Vec<T>& v, T* p) { store<T>(v, p, mask); });
  }
}

template <class V>
using Integer =
    stdx::rebind_simd_t<std::conditional_t<sizeof(typename V::value_type) == 4, std::int32_t, std::int64_t>, V>;

template <class V>
using Unsigned = stdx::rebind_simd_t<std::make_unsigned_t<typename Integer<V>::value_type>, V>;

template <class To, class From>
inline To bits(const From& v) {
  static_assert(sizeof(To) == sizeof(From));
  return std::bit_cast<To>(v);
}

}  // namespace fastopt::FASTOPT_ISA
