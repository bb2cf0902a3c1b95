// Adam (Kingma and Ba, 2015) and AMSGrad (Reddi, Kale and Kumar, 2018). m, v: running means of the gradient and of its
// square, vmax: the largest v so far.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
// AMSGrad: vmax <- max(vmax, v) stands for v in the last line.
template <bool amsgrad>
struct AdamRule {
  static constexpr std::string_view name = amsgrad ? "amsgrad" : "adam";
  static constexpr auto slots = [] {
    std::array<std::string_view, 2 + amsgrad> names{"m", "v"};
    if (amsgrad) {
      names[2] = "vmax";
    }
    return names;
  }();
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    return {h[0] / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, b2, 1 - b2, h[3]};
  }
  template <class V, class... Largest>
  static V apply(const V* c, const V& g, V& m, V& v, Largest&... vmax) {
    m = c[2] * m + c[3] * g;
    v = c[4] * v + c[5] * (g * g);
    ((vmax = max(vmax, v)), ...);
    V second = v;
    ((second = vmax), ...);
    return c[0] * m / (sqrt(second) * c[1] + c[6]);
  }
};

using adam_rules = List<AdamRule<false>, AdamRule<true>>;

}  // namespace fastopt::FASTOPT_ISA
