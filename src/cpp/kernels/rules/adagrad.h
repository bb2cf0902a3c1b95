// Adagrad (Duchi, Hazan and Singer, 2011). s: sum of the squared gradients.
#pragma once

#include <limits>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// s <- s + g^2, at most the largest number;  w <- w - lr g / (sqrt(s) + epsilon), or g / sqrt(s + epsilon)
struct Adagrad {
  static constexpr std::string_view name = "adagrad";
  static constexpr std::array<std::string_view, 1> slots{"s"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 3> hyper{"learning_rate", "epsilon", "epsilon_in_root"};
  static Coefficients prepare(const double* h, Index) {
    Coefficients c{h[0], h[1]};
    c[variant_place] = h[2];
    return c;
  }
  static constexpr int variants = 2;  // 1: epsilon in the root
  template <int in_root, class V>
  static V apply(const V* c, const V& g, V& s) {
    constexpr auto most = std::numeric_limits<typename V::value_type>::max();
    s += g * g;
    where(s > V(most), s) = most;
    return c[0] * g / (in_root ? sqrt(s + c[1]) : sqrt(s) + c[1]);
  }
};

using adagrad_rules = List<Adagrad>;

}  // namespace fastopt::FASTOPT_ISA
