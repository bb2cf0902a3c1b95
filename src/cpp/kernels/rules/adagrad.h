// Adagrad (Duchi, Hazan and Singer, 2011). s: sum of the squared gradients.
#pragma once

#include <limits>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// s <- s + g^2, at most the largest number;  w <- w - lr g / (sqrt(s) + epsilon)
struct Adagrad {
  static constexpr std::string_view name = "adagrad";
  static constexpr std::array<std::string_view, 1> slots{"s"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 2> hyper{"learning_rate", "epsilon"};
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1]}; }
  template <class V>
  static V apply(const V* c, const V& g, V& s) {
    constexpr auto most = std::numeric_limits<typename V::value_type>::max();
    s += g * g;
    where(s > V(most), s) = most;
    return c[0] * g / (sqrt(s) + c[1]);
  }
};

using adagrad_rules = List<Adagrad>;

}  // namespace fastopt::FASTOPT_ISA
