// Elementary functions on vectors. Ranges are reduced as in the Cephes library (S. L. Moshier); largest errors, in
// units in the last place of the result, are stated in tests/cases.py.
#pragma once

#include <limits>

#include "simd/vec.h"

// Called as math::exp, so that argument-dependent lookup does not find the scalar loops of std::experimental.
namespace fastopt::FASTOPT_ISA::math {

template <class T>
struct Format;

template <>
struct Format<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr std::int32_t bias = 127;
  static constexpr float integer_magic =
      12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer kept in the low bits
  static constexpr float exp_lowest = -104.0F, exp_highest = 89.0F;
  static constexpr float denormal_scale = 8388608.0F;  // 2^23
};

template <>
struct Format<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr std::int64_t bias = 1023;
  static constexpr double integer_magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double exp_lowest = -746.0, exp_highest = 710.0;
  static constexpr double denormal_scale = 4503599627370496.0;  // 2^52
};

// c[0] + c[1] x + c[2] x^2 + ...
template <class V, std::size_t N>
[[gnu::always_inline]] inline V polynomial(const V& x, const typename V::value_type (&c)[N]) {
  V sum = c[N - 1];
  unroll<static_cast<int>(N) - 1>([&](auto i) { sum = sum * x + V(c[N - 2 - i]); });
  return sum;
}

template <class V>
[[gnu::always_inline]] inline V power_of_two(const Integer<V>& exponent) {
  using F = Format<typename V::value_type>;
  return bits<V>((exponent + F::bias) << F::mantissa_bits);
}

template <class V>
[[gnu::always_inline]] inline V exp(V x) {
  using T = typename V::value_type;
  using F = Format<T>;
  where(x < F::exp_lowest, x) = F::exp_lowest;
  where(x > F::exp_highest, x) = F::exp_highest;
  const V shifted = x * T(1.44269504088896340736) + F::integer_magic;
  const Integer<V> n = bits<Integer<V>>(shifted) - bits<Integer<V>>(V(F::integer_magic));
  const V whole = shifted - F::integer_magic;
  V high, low, p;  // x - n log 2 = high + low, whose sum alone would be rounded
  if constexpr (sizeof(T) == 4) {
    high = x - whole * 0.693359375F;
    low = whole * 2.12194440e-4F;
    const V r = high + low;
    p = r * r *
        polynomial<V>(r, {5.0000001201e-1F, 1.6666665459e-1F, 4.1665795894e-2F, 8.3334519073e-3F, 1.3981999507e-3F,
                          1.9875691500e-4F});
  } else {
    high = x - whole * 6.93145751953125e-1;
    low = whole * -1.42860682030941723212e-6;
    const V r = high + low;
    p = r * r *
        polynomial<V>(r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
                          1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0});
  }
  const V e = T(1) + (high + (low + p));
  // Two factors, because 2^n itself leaves the range where exp is denormal or near the largest number.
  const Integer<V> half = n >> 1;
  return e * power_of_two<V>(half) * power_of_two<V>(n - half);
}

template <class V>
[[gnu::always_inline]] inline V log(V x) {
  using T = typename V::value_type;
  using F = Format<T>;
  const V argument = x;
  V exponent = 0;
  const auto denormal = x < std::numeric_limits<T>::min();
  where(denormal, x) = x * F::denormal_scale;
  where(denormal, exponent) = T(-F::mantissa_bits);
  const Integer<V> raw = bits<Integer<V>>(x);
  const Integer<V> biased = (raw >> F::mantissa_bits) - (F::bias - 1);
  exponent += bits<V>(biased + bits<Integer<V>>(V(F::integer_magic))) - F::integer_magic;
  // The mantissa in [1/2, 1), then in [sqrt(1/2), sqrt(2)).

  const Integer<V> mantissa = raw & ((Integer<V>(1) << F::mantissa_bits) - 1);
  V m = bits<V>(mantissa | bits<Integer<V>>(V(T(0.5))));
  const auto low = m < T(0.707106781186547524401);
  where(low, exponent) = exponent - T(1);
  where(low, m) = m + m;
  m = m - T(1);
  const V z = m * m;
  V y;
  if constexpr (sizeof(T) == 4) {
    y = m * z *
        polynomial<V>(m, {3.3333331174e-1F, -2.4999993993e-1F, 2.0000714765e-1F, -1.6668057665e-1F, 1.4249322787e-1F,
                          -1.2420140846e-1F, 1.1676998740e-1F, -1.1514610310e-1F, 7.0376836292e-2F});
  } else {
    const V p = polynomial<V>(m, {7.70838733755885391666e0, 1.79368678507819816313e1, 1.44989225341610930846e1,
                                  4.70579119878881725854e0, 4.97494994976747001425e-1, 1.01875663804580931796e-4});
    const V q = polynomial<V>(m, {2.31251620126765340583e1, 7.11544750618563894466e1, 8.29875266912776603211e1,
                                  4.52279145837532221105e1, 1.12873587189167450590e1, 1.0});
    y = m * (z * p / q);
  }
  y = y - exponent * T(2.121944400546905827679e-4);
  y = y - z * T(0.5);
  V result = m + y;
  result = result + exponent * T(0.693359375);
  const T infinity = std::numeric_limits<T>::infinity();
  where(argument == infinity, result) = infinity;
  where(argument == T(0), result) = -infinity;
  where(!(argument >= T(0)), result) = std::numeric_limits<T>::quiet_NaN();
  return result;
}

template <class V>
[[gnu::always_inline]] inline V sigmoid(const V& x) {
  using T = typename V::value_type;
  // exp of a non-positive number never overflows and keeps the small values of the left tail.
  const V z = math::exp(-abs(x));
  V numerator = T(1);
  where(x < T(0), numerator) = z;
  return numerator / (T(1) + z);
}

template <class V>
[[gnu::always_inline]] inline V tanh(const V& x) {
  using T = typename V::value_type;
  const V magnitude = abs(x);
  const V z = x * x;
  V large = T(1) - T(2) / (math::exp(magnitude + magnitude) + T(1));
  where(x < T(0), large) = -large;
  V small;
  if constexpr (sizeof(T) == 4) {
    small = x + x * z *
                    polynomial<V>(z, {-3.33332819422e-1F, 1.33314422036e-1F, -5.37397155531e-2F, 2.06390887954e-2F,
                                      -5.70498872745e-3F});
  } else {
    const V p = polynomial<V>(z, {-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1});
    const V q = polynomial<V>(z, {4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0});
    small = x + x * z * (p / q);
  }
  where(magnitude < T(0.625), large) = small;
  return large;
}

}  // namespace fastopt::FASTOPT_ISA::math
