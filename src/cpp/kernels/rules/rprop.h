// Rprop, resilient backpropagation (Riedmiller and Braun, 1993; without stepping back: iRprop-, Igel and Huesken,
// 2000). size: of the step of each parameter, as a multiple of the learning rate; g0: the gradient before, 0 where its
// sign changed.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// size <- eta_plus size where g0 g > 0, eta_minus size where g0 g < 0, and there g <- 0; lr size is held within limits
// w <- w - lr size sign(g);  g0 <- g
struct Rprop {
  static constexpr std::string_view name = "rprop";
  static constexpr std::array<std::string_view, 2> slots{"size", "g0"};
  static constexpr std::array<std::string_view, 5> hyper{"learning_rate", "eta_minus", "eta_plus", "min_step",
                                                         "max_step"};
  static Coefficients prepare(const double* h, Index) {
    if (h[0] == 0) {
      return {0, 1, 1, 0, 1e30};  // all stays as it is
    }
    return {h[0], h[1], h[2], h[3] / h[0], h[4] / h[0]};
  }
  template <class V>
  static V apply(const V* c, V g, V& size, V& g0) {
    const V agreement = sign(g0) * g;  // unlike g0 g it does not vanish by underflow
    where(agreement > V(0), size) = size * c[2];
    where(agreement < V(0), size) = size * c[1];
    where(agreement < V(0), g) = V(0);
    size = at_most(at_least(size, c[3]), c[4]);
    g0 = g;
    return c[0] * size * sign(g);
  }
};

using rprop_rules = List<Rprop>;

}  // namespace fastopt::FASTOPT_ISA
