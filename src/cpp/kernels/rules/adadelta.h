// Adadelta (Zeiler, 2012). g2, dx2: running means of the squares of the gradient and of the step.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// g2 <- rho g2 + (1 - rho) g^2;  dx = sqrt((dx2 + epsilon) / (g2 + epsilon)) g;  dx2 <- rho dx2 + (1 - rho) dx^2;
// w <- w - lr dx
struct Adadelta {
  static constexpr std::string_view name = "adadelta";
  static constexpr std::array<std::string_view, 2> slots{"g2", "dx2"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 3> hyper{"learning_rate", "rho", "epsilon"};
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1], 1 - h[1], h[2]}; }
  template <class V>
  static V apply(const V* c, const V& g, V& g2, V& dx2) {
    g2 = c[1] * g2 + c[2] * (g * g);
    const V dx = sqrt((dx2 + c[3]) / (g2 + c[3])) * g;
    dx2 = c[1] * dx2 + c[2] * (dx * dx);
    return c[0] * dx;
  }
};

using adadelta_rules = List<Adadelta>;

}  // namespace fastopt::FASTOPT_ISA
