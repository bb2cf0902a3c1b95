// Smooth rectifiers that fall before they rise, so that they are differentiated from their input.
#pragma once

#include <string_view>

#include "simd/math.h"

namespace fastopt::FASTOPT_ISA {

// x Phi(x), Phi being the distribution function of the normal distribution (Hendrycks and Gimpel, 2016).
struct Gelu {
  static constexpr std::string_view name = "gelu";
  static constexpr bool from_input = true;
  template <class V>
  static V value(const V& x) {
    const V a = at_most(abs(x), V(math::normal_reach<typename V::value_type>));
    return max(x, V(0)) - a * math::normal_tail_ratio(a) * math::gaussian(a);
  }
  template <class V>
  static V derivative(const V& x) {
    using T = typename V::value_type;
    const V a = at_most(abs(x), V(math::normal_reach<T>));
    V d = math::gaussian(a) * (math::normal_tail_ratio(a) - a * T(0.398942280401432677939946));  // 1 / sqrt(2 pi)
    where(!(x < T(0)), d) = T(1) - d;
    return d;
  }
  template <class V>
  static V second(const V& x) {
    using T = typename V::value_type;
    const V a = at_most(abs(x), V(math::normal_reach<T>));
    return math::gaussian(a) * (T(2) - a * a) * T(0.398942280401432677939946);
  }
};

// x sigmoid(v(x)) with an odd v. Beyond `reach`, where exp(-v) is 0, v is not needed.
template <class Gate>
struct Gated {
  static constexpr std::string_view name = Gate::name;
  static constexpr bool from_input = true;
  template <class V>
  static V bounded_size(const V& x) {
    return at_most(abs(x), V(Gate::template reach<typename V::value_type>));
  }
  template <class V>
  static V value(const V& x) {
    const V a = bounded_size(x), e = math::exp_in_range(V(-Gate::argument(a)), V(0));
    V numerator = 1;
    where(x < V(0), numerator) = e;
    return max(x, copysign(a, x)) * (numerator / (V(1) + e));
  }
  template <class V>
  static V derivative(const V& x) {
    const V a = bounded_size(x), e = math::exp_in_range(V(-Gate::argument(a)), V(0));
    const V larger = V(1) / (V(1) + e), smaller = e * larger;  // the sigmoids of |v| and -|v|
    V s = larger;
    where(x < V(0), s) = smaller;
    return s + larger * smaller * copysign(a * Gate::slope(a), x);
  }
  template <class V>
  static V second(const V& x) {
    const V a = bounded_size(x), e = math::exp_in_range(V(-Gate::argument(a)), V(0));
    const V larger = V(1) / (V(1) + e), slope = Gate::slope(a);
    return e * larger * larger * (slope + slope + a * (Gate::bend(a) - slope * slope * (V(1) - e) * larger));
  }
};

// GELU with a tanh for the erf: v = 2 sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluTanh {
  static constexpr std::string_view name = "gelu_tanh";
  template <class T>
  static constexpr T reach = sizeof(T) == 4 ? T(10.681) : T(21.521);
  static constexpr double linear = 1.5957691216057307118, cubic = 0.044715 * linear;
  template <class V>
  static V argument(const V& a) {
    using T = typename V::value_type;
    return a * (T(linear) + T(cubic) * (a * a));
  }
  template <class V>
  static V slope(const V& a) {  // v'(a)
    using T = typename V::value_type;
    return T(linear) + T(3 * cubic) * (a * a);
  }
  template <class V>
  static V bend(const V& a) {  // v''(a)
    return a * typename V::value_type(6 * cubic);
  }
};

// Also called swish: v = x (Hendrycks and Gimpel, 2016).
struct Silu {
  static constexpr std::string_view name = "silu";
  template <class T>
  static constexpr T reach = -math::Format<T>::exp_lowest;
  template <class V>
  static V argument(const V& a) {
    return a;
  }
  template <class V>
  static V slope(const V&) {
    return V(1);
  }
  template <class V>
  static V bend(const V&) {
    return V(0);
  }
};

// x tanh(softplus(x)) (Misra, 2019), in e = exp(-|x|), which does not overflow.
struct Mish {
  static constexpr std::string_view name = "mish";
  static constexpr bool from_input = true;
  // tanh(softplus(x)) = top / bottom.
  template <class V>
  struct Parts {
    V a, e, top, bottom;
    explicit Parts(const V& x)
        : a(Gated<Silu>::bounded_size(x)),
          e(math::exp_in_range(V(-a), V(0))),
          top(V(1) + (e + e)),
          bottom((e + e) * e) {
      where(x < V(0), top) = e * (V(2) + e);
      where(x < V(0), bottom) = V(2);
      bottom += top;
    }
    // The derivative of the fraction.
    V slope(const V& x) const {
      V s = V(4) * e * (V(1) + e) / (bottom * bottom);
      where(!(x < V(0)), s) = s * e;
      return s;
    }
  };
  template <class V>
  static V value(const V& x) {
    const Parts<V> p(x);
    return max(x, copysign(p.a, x)) * (p.top / p.bottom);
  }
  template <class V>
  static V derivative(const V& x) {
    const Parts<V> p(x);
    return p.top / p.bottom + copysign(p.a, x) * p.slope(x);
  }
  template <class V>
  static V second(const V& x) {
    const Parts<V> p(x);
    const V e = p.e, part = e / p.bottom;
    V bend = V(1) - (e + e) + V(4) * part;
    where(!(x < V(0)), bend) = e * (e - V(2) + V(4) * e * part);
    const V s = p.slope(x);
    return s + s + copysign(p.a, x) * (V(4) * part * bend / p.bottom);
  }
};

}  // namespace fastopt::FASTOPT_ISA
