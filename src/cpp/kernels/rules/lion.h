// Lion (Chen et al., 2023). m: running mean of the gradient.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// w <- w - lr sign(b1 m + (1 - b1) g);  m <- b2 m + (1 - b2) g
struct Lion {
  static constexpr std::string_view name = "lion";
  static constexpr std::array<std::string_view, 1> slots{"m"};
  static constexpr std::array<std::string_view, 3> hyper{"learning_rate", "beta_1", "beta_2"};
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1], 1 - h[1], h[2], 1 - h[2]}; }
  template <class V>
  static V apply(const V* c, const V& g, V& m) {
    const V direction = sign(V(c[1] * m + c[2] * g));
    m = c[3] * m + c[4] * g;
    return c[0] * direction;
  }
};

using lion_rules = List<Lion>;

}  // namespace fastopt::FASTOPT_ISA
