// Adam (Kingma and Ba, 2015). m, v: running means of the gradient and of its square.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
struct Adam {
  static constexpr std::string_view name = "adam";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    return {h[0] / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, b2, 1 - b2, h[3]};
  }
  template <class V>
  static void apply(const V* c, V& w, const V& g, V& m, V& v) {
    m = c[2] * m + c[3] * g;
    v = c[4] * v + c[5] * (g * g);
    w -= c[0] * m / (sqrt(v) * c[1] + c[6]);
  }
};

}  // namespace fastopt::FASTOPT_ISA
