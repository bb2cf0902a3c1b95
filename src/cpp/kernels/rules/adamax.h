// Adamax (Kingma and Ba, 2015). m: running mean of the gradient, u: decaying maximum of its magnitude.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  u <- max(b2 u, |g| + epsilon);  w <- w - lr (m / (1 - b1^t)) / u
struct Adamax {
  static constexpr std::string_view name = "adamax";
  static constexpr std::array<std::string_view, 2> slots{"m", "u"};
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    return {h[0] / (1 - std::pow(h[1], static_cast<double>(step))), h[1], 1 - h[1], h[2], h[3]};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& u) {
    m = c[1] * m + c[2] * g;
    u = max(c[3] * u, abs(g) + c[4]);
    return c[0] * m / u;
  }
};

using adamax_rules = List<Adamax>;

}  // namespace fastopt::FASTOPT_ISA
