// Elementary functions on vectors. Ranges are reduced as in the Cephes library (S. L. Moshier); largest errors, in
// units in the last place of the result, are stated in tests/twins/activations.py and tests/cases/__init__.py.
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

// 2^(n + more). High bits of n do not matter.
template <class V>
[[gnu::always_inline]] inline V power_of_two(const Integer<V>& n, typename Integer<V>::value_type more = 0) {
  using F = Format<typename V::value_type>;
  return bits<V>((n << F::mantissa_bits) + ((F::bias + more) << F::mantissa_bits));
}

// exp(x + tail) = 2^n (1 + high + (low + p)), the sum in brackets being exp(r) - 1 with |r| <= log(2) / 2; `tail` is
// small, and takes digits of an argument that x has no room for.
template <class V>
struct ReducedExp {
  Integer<V> n;  // and the bits of `integer_magic`
  V high, low, p;
};

template <class V>
[[gnu::always_inline]] inline ReducedExp<V> reduce_exp(const V& x, const V& tail) {
  using T = typename V::value_type;
  using F = Format<T>;
  const V shifted = x * T(1.44269504088896340736) + F::integer_magic;
  const V whole = shifted - F::integer_magic;
  V high, low, p;  // x - n log 2 = high + low, whose sum alone would be rounded
  if constexpr (sizeof(T) == 4) {
    high = x - whole * 0.693359375F;
    low = whole * 2.12194440e-4F + tail;
    const V r = high + low;
    p = r * r *
        polynomial<V>(r, {5.0000001201e-1F, 1.6666665459e-1F, 4.1665795894e-2F, 8.3334519073e-3F, 1.3981999507e-3F,
                          1.9875691500e-4F});
  } else {
    high = x - whole * 6.93145751953125e-1;
    low = whole * -1.42860682030941723212e-6 + tail;
    const V r = high + low;
    p = r * r *
        polynomial<V>(r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
                          1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0});
  }
  return {bits<Integer<V>>(shifted), high, low, p};
}

template <class V>
[[gnu::always_inline]] inline V exp(V x) {
  using T = typename V::value_type;
  using F = Format<T>;
  x = at_most(at_least(x, V(F::exp_lowest)), V(F::exp_highest));
  const auto [raw, high, low, p] = reduce_exp<V>(x, T(0));
  const Integer<V> n = raw - bits<Integer<V>>(V(F::integer_magic));
  // Two factors, because 2^n itself leaves the range where exp is denormal or near the largest number.
  const Integer<V> half = n >> 1;
  return (T(1) + (high + (low + p))) * power_of_two<V>(half) * power_of_two<V>(n - half);
}

// exp(x + tail) for exp_lowest <= x <= 0.
template <class V>
[[gnu::always_inline]] inline V exp_in_range(const V& x, const V& tail) {
  using T = typename V::value_type;
  using F = Format<T>;
  const auto [n, high, low, p] = reduce_exp<V>(x, tail);
  // 2^n may be denormal, but not 2^n times `denormal_scale` and a little more.
  return (T(1) + (high + (low + p))) * power_of_two<V>(n, F::mantissa_bits + 2) * (T(0.25) / F::denormal_scale);
}

// exp(x) for x <= 0, with less to do at the ends of the range.
template <class V>
[[gnu::always_inline]] inline V exp_nonpositive(const V& x) {
  return exp_in_range<V>(at_least(x, V(Format<typename V::value_type>::exp_lowest)), V(0));
}

// exp(x) - 1 for x <= 0, without cancellation near 0.
template <class V>
[[gnu::always_inline]] inline V expm1_nonpositive(const V& x) {
  using T = typename V::value_type;
  const auto [n, high, low, p] = reduce_exp<V>(at_least(x, V(T(-64))), T(0));
  const V scale = power_of_two<V>(n);
  return scale * (high + (low + p)) + (scale - T(1));
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
  // Shifted as unsigned: libstdc++ shifts signed numbers of 64 bits by steps that are undefined, and Clang drops them.
  const Integer<V> biased = bits<Integer<V>>(bits<Unsigned<V>>(x) >> F::mantissa_bits) - (F::bias - 1);
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

// log(1 + x) for 0 <= x <= 1, without cancellation near 0: 2 artanh(x / (2 + x)), a polynomial in the square of that.
// The coefficients are a fit of the least largest relative error.
template <class V>
[[gnu::always_inline]] inline V log1p_fraction(const V& x) {
  using T = typename V::value_type;
  const V s = x / (T(2) + x);
  const V z = s * s;
  V series;
  if constexpr (sizeof(T) == 4) {
    series = polynomial<V>(z, {6.666664e-1F, 4.00076234e-1F, 2.82351002e-1F, 2.68606668e-1F});
  } else {
    series = polynomial<V>(
        z, {6.66666666666666584e-1, 4.00000000000148151e-1, 2.85714285670526758e-1, 2.22222227226333977e-1,
            1.81817891942646989e-1, 1.53855763741297166e-1, 1.33140475797625965e-1, 1.2001935028207262e-1,
            8.79659095670337501e-2, 1.61723563853229416e-1});
  }
  return T(2) * s + s * z * series;
}

template <class V>
[[gnu::always_inline]] inline V sigmoid(const V& x) {
  using T = typename V::value_type;
  const V z = math::exp_nonpositive(-abs(x));
  V numerator = T(1);
  where(x < T(0), numerator) = z;
  return numerator / (T(1) + z);
}

template <class V>
[[gnu::always_inline]] inline V tanh(const V& x) {
  using T = typename V::value_type;
  const V e = math::expm1_nonpositive(abs(x) * T(-2));
  return copysign(e / (T(2) + e), x);
}

// sin(2 pi t) and cos(2 pi t), for every finite t: what is taken off t to leave |r| <= 1/8 is exact.
template <class V>
struct SineCosine {
  V sine, cosine;
};

template <class V>
[[gnu::always_inline]] inline SineCosine<V> sine_cosine_of_turns(V t) {
  using T = typename V::value_type;
  using F = Format<T>;
  constexpr int sign_bit = sizeof(T) * 8 - 1;
  where(abs(t) >= T(2) * F::denormal_scale, t) = t - t;    // a whole number, or none
  t -= (t + 2 * F::integer_magic) - 2 * F::integer_magic;  // |t| <= 1
  const V shifted = t * T(4) + F::integer_magic;
  const Integer<V> quarters = bits<Integer<V>>(shifted);
  const V r = t - (shifted - F::integer_magic) * T(0.25), z = r * r;
  V sine, cosine;  // of the rest; the coefficients are fits of the least largest relative error
  if constexpr (sizeof(T) == 4) {
    sine = r * T(6.2831855) + r * (z * polynomial<V>(z, {-41.3416732F, 81.593937F, -75.4533964F}) + T(-1.74845560e-7));
    cosine = T(1) + z * polynomial<V>(z, {-19.7392087F, 64.9393265F, -85.4437415F, 59.245957F});
  } else {
    sine = r * T(6.283185307179586) +
           r * (z * polynomial<V>(z, {-41.3417022403996744, 81.6052492759682275, -76.7058597087846968,
                                      42.058685506760416, -15.0938293233181141, 3.78136642694703826}) +
                T(2.4492935982947064e-16));
    cosine = T(1) +
             z * polynomial<V>(z, {-19.7392088021787171, 64.9393940226680134, -85.4568172065400528, 60.244641331612011,
                                   -26.4262511404706453, 7.90310164017318226, -1.69702012233751971});
  }
  // Each odd number of quarters exchanges them; a half turns both round, sin after it, cos a quarter earlier.
  const Integer<V> one = bits<Integer<V>>(V(T(1)));
  const auto odd = bits<V>(((quarters & 1) << sign_bit) | one) < T(0);
  const V exchanged = sine;
  where(odd, sine) = cosine;
  where(odd, cosine) = exchanged;
  const auto turned = [&](const V& v, const Integer<V>& n) {
    return bits<V>(bits<Integer<V>>(v) ^ ((n & 2) << (sign_bit - 1)));
  };
  return {turned(sine, quarters), turned(cosine, quarters + 1)};
}

// exp(-x^2 / 2) for 0 <= x <= normal_reach. The square has twice the digits of x: that of x rounded to half its digits
// is exact, and the rest goes into the tail of the argument.
template <class T>
inline constexpr T normal_reach = sizeof(T) == 4 ? T(14.4) : T(38.6);  // exp(-x^2 / 2) is denormal here, and no less

template <class V>
[[gnu::always_inline]] inline V gaussian(const V& x) {
  using T = typename V::value_type;
  constexpr int dropped = sizeof(T) == 4 ? 12 : 27;
  const Integer<V> rounded = (bits<Integer<V>>(x) + (Integer<V>(1) << (dropped - 1))) >> dropped << dropped;
  const V h = bits<V>(rounded), d = h - x;
  return exp_in_range<V>(h * h * T(-0.5), d * (x + d * T(0.5)));
}

// (1 - Phi(x)) exp(x^2 / 2) for 0 <= x <= normal_reach, Phi being the distribution function of the normal distribution:
// Mills' ratio over sqrt(2 pi). That a rational function without any cancellation is enough was seen by Hart et al.,
// "Computer approximations", 1968; the coefficients are a fit of the least largest relative error over the whole range.
template <class V>
[[gnu::always_inline]] inline V normal_tail_ratio(const V& x) {
  using T = typename V::value_type;
  if constexpr (sizeof(T) == 4) {
    return polynomial<V>(x, {0.500000003F, 0.439281801F, 0.183967903F, 0.0408807036F, 0.00415316478F}) /
           polynomial<V>(x, {1.0F, 1.67644861F, 1.20554321F, 0.471405431F, 0.102478844F, 0.0104103286F});
  } else {
    return polynomial<V>(x, {0.5, 0.828282153291833565, 0.680167610204368261, 0.357776534971737814,
                             0.132258124128226422, 0.035739975061144541, 0.00714048077655112155, 0.00104279193736480391,
                             0.000106945572062056339, 7.00465423667173663e-6, 2.25268204758014609e-7}) /
           polynomial<V>(x, {1.0, 2.4544488673865327, 2.81870207697652238, 2.00328902524048583, 0.981347546021760305,
                             0.348889978463208172, 0.0921656079342612616, 0.0181654744676573033, 0.00263144981931711256,
                             0.000268637458425714026, 0.0000175580643636837434, 5.6466365142168313e-7});
  }
}

}  // namespace fastopt::FASTOPT_ISA::math
