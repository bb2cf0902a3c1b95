// AdEMAMix (Pagliardini, Ablin and Grangier, 2024). m1, m2: a fast and a slow running mean of the gradient, v: that of
// its square.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m1 <- b1 m1 + (1 - b1) g;  m2 <- b3 m2 + (1 - b3) g;  v <- b2 v + (1 - b2) g^2
// w <- w - lr (m1 / (1 - b1^t) + alpha m2) / (sqrt(v / (1 - b2^t)) + epsilon)
// In the warm-up alpha grows from 0 in a line, and so does the time in which half of m2 is forgotten from that of m1.
struct Ademamix {
  static constexpr std::string_view name = "ademamix";
  static constexpr std::array<std::string_view, 3> slots{"m1", "m2", "v"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 8> hyper{"learning_rate", "beta_1",  "beta_2",       "beta_3",
                                                         "alpha",         "epsilon", "alpha_warmup", "beta_3_warmup"};
  // 1 - b3 on the way from b1.
  static double forgotten(double b1, double b3, double part) {
    return -std::expm1(1 / ((1 - part) / std::log(b1) + part / std::log(b3)));
  }
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    const double alpha = t < h[6] ? h[4] * t / h[6] : h[4];
    const double forgets = t < h[7] ? forgotten(b1, h[3], t / h[7]) : 1 - h[3];
    return {h[0] / (1 - std::pow(b1, t)),
            1 / std::sqrt(1 - std::pow(b2, t)),
            b1,
            1 - b1,
            b2,
            1 - b2,
            h[5],
            1 - forgets,
            forgets,
            h[0] * alpha};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m1, V& m2, V& v) {
    m1 = c[2] * m1 + c[3] * g;
    m2 = c[7] * m2 + c[8] * g;
    v = c[4] * v + c[5] * (g * g);
    return (c[0] * m1 + c[9] * m2) / (sqrt(v) * c[1] + c[6]);
  }
};

using ademamix_rules = List<Ademamix>;

}  // namespace fastopt::FASTOPT_ISA
