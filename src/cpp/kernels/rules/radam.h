// RAdam: Adam with a rectified variance (Liu et al., 2020). m, v: running means of the gradient and of its square.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// r of step t, and the square of what the rate is multiplied by where it is large enough.
inline double radam_length(double b2, double t) {
  const double decayed = std::pow(b2, t);
  return 2 / (1 - b2) - 1 - 2 * t * decayed / (1 - decayed);
}
inline double radam_square(double b2, double r) {
  const double limit = 2 / (1 - b2) - 1;
  return (r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r);
}

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  R = 2 / (1 - b2) - 1;  r = R - 2 t b2^t / (1 - b2^t)
// w <- w - lr (m / (1 - b1^t)) a, with a = 1 while r <= 5, else
// a = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - b2^t) / (sqrt(v) + epsilon)
struct Radam {
  static constexpr std::string_view name = "radam";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2], r = radam_length(b2, t);
    const double rate = h[0] / (1 - std::pow(b1, t));
    const bool known = r > 5;  // the variance is
    const double rectified = known ? std::sqrt(radam_square(b2, r) * (1 - std::pow(b2, t))) : 0;
    return {rate * rectified, known ? 0 : rate, b1, 1 - b1, b2, 1 - b2, h[3]};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v) {
    m = c[2] * m + c[3] * g;
    v = c[4] * v + c[5] * (g * g);
    return m * (c[0] / (sqrt(v) + c[6]) + c[1]);
  }
};

using radam_rules = List<Radam>;

}  // namespace fastopt::FASTOPT_ISA
