// Adan (Xie et al., 2022). m, v, n: running means of the gradient, of its change and of the square of the gradient
// extrapolated by that, g0: the gradient before.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// d = g - g0, 0 at the first step;  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) d
// n <- b3 n + (1 - b3) (g + b2 d)^2;  g0 <- g
// w <- w - lr (m / (1 - b1^t) + b2 v / (1 - b2^t)) / (sqrt(n / (1 - b3^t)) + epsilon)
struct Adan {
  static constexpr std::string_view name = "adan";
  static constexpr std::array<std::string_view, 4> slots{"m", "v", "n", "g0"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 5> hyper{"learning_rate", "beta_1", "beta_2", "beta_3", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2], b3 = h[3];
    return {h[0] / (1 - std::pow(b1, t)),
            h[0] * b2 / (1 - std::pow(b2, t)),
            1 / std::sqrt(1 - std::pow(b3, t)),
            b1,
            1 - b1,
            b2,
            1 - b2,
            step == 1 ? 0.0 : 1.0,
            b3,
            1 - b3,
            h[4]};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v, V& n, V& g0) {
    const V change = c[7] * (g - g0), ahead = squarable(V(g + c[5] * change));
    m = c[3] * m + c[4] * g;
    v = c[5] * v + c[6] * change;
    n = c[8] * n + c[9] * (ahead * ahead);
    g0 = g;
    return (c[0] * m + c[1] * v) / (sqrt(n) * c[2] + c[10]);
  }
};

using adan_rules = List<Adan>;

}  // namespace fastopt::FASTOPT_ISA
