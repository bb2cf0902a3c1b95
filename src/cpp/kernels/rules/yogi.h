// Yogi (Zaheer et al., 2018). m: running mean of the gradient, v: of its square, which nears it by steady steps.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  v <- v - (1 - b2) sign(v - g^2) g^2
// w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
struct Yogi {
  static constexpr std::string_view name = "yogi";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    return {h[0] / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, 1 - b2, h[3]};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v) {
    const V square = g * g;
    m = c[2] * m + c[3] * g;
    v -= c[4] * (sign(V(v - square)) * square);
    return c[0] * m / (sqrt(v) * c[1] + c[5]);
  }
};

using yogi_rules = List<Yogi>;

}  // namespace fastopt::FASTOPT_ISA
