// Delta-bar-delta (Jacobs, 1988). rate: of each parameter, delta_bar: running mean of the gradient.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// rate <- rate + kappa where delta_bar g > 0, (1 - phi) rate where it is < 0;  w <- w - lr rate g
// delta_bar <- theta delta_bar + (1 - theta) g
struct DeltaBarDelta {
  static constexpr std::string_view name = "delta_bar_delta";
  static constexpr std::array<std::string_view, 2> slots{"rate", "delta_bar"};
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "kappa", "phi", "theta"};
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1], 1 - h[2], h[3], 1 - h[3]}; }
  template <class V>
  static V apply(const V* c, const V& g, V& rate, V& delta_bar) {
    const V agreement = sign(delta_bar) * g;  // unlike delta_bar g it does not vanish by underflow
    where(agreement > V(0), rate) = rate + c[1];
    where(agreement < V(0), rate) = rate * c[2];
    delta_bar = c[3] * delta_bar + c[4] * g;
    return c[0] * (rate * g);
  }
};

using delta_bar_delta_rules = List<DeltaBarDelta>;

}  // namespace fastopt::FASTOPT_ISA
