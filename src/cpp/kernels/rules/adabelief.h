// AdaBelief (Zhuang et al., 2020). m: running mean of the gradient, s: of the square of what the gradient differs from
// it by.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  s <- b2 s + (1 - b2) (g - m)^2 + epsilon
// w <- w - lr (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + epsilon)
// g less the new m is b1 times g less the old one.
struct AdaBelief {
  static constexpr std::string_view name = "adabelief";
  static constexpr std::array<std::string_view, 2> slots{"m", "s"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    return {h[0] / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, b2, (1 - b2) * b1 * b1, h[3]};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& s) {
    const V surprise = g - m;
    m = c[2] * m + c[3] * g;
    s = c[4] * s + (c[5] * surprise) * surprise + c[6];
    return c[0] * m / (sqrt(s) * c[1] + c[6]);
  }
};

using adabelief_rules = List<AdaBelief>;

}  // namespace fastopt::FASTOPT_ISA
