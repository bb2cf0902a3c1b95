// Adam (Kingma and Ba, 2015), AMSGrad (Reddi, Kale and Kumar, 2018) and AdamW (Loshchilov and Hutter, 2019). m, v:
// running means of the gradient and of its square, vmax: the largest v so far.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
// AMSGrad: vmax <- max(vmax, v) stands for v in the last line. AdamW: first of all w <- w - lr decay w.
template <bool amsgrad, bool decays>
struct AdamRule {
  static constexpr std::string_view name = decays ? (amsgrad ? "amsgradw" : "adamw") : (amsgrad ? "amsgrad" : "adam");
  static constexpr auto slots = [] {
    std::array<std::string_view, 2 + amsgrad> names{"m", "v"};
    if (amsgrad) {
      names[2] = "vmax";
    }
    return names;
  }();
  static constexpr auto hyper = [] {
    std::array<std::string_view, 4 + decays> names{"learning_rate", "beta_1", "beta_2", "epsilon"};
    if (decays) {
      names[4] = "weight_decay";
    }
    return names;
  }();
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    return {h[0] / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, b2, 1 - b2, h[3],
            decays ? h[0] * h[4] : 0};
  }
  template <class V, class... Largest>
  static void apply(const V* c, V& w, const V& g, V& m, V& v, Largest&... vmax) {
    m = c[2] * m + c[3] * g;
    v = c[4] * v + c[5] * (g * g);
    ((vmax = max(vmax, v)), ...);
    V second = v;
    ((second = vmax), ...);
    V change = c[0] * m / (sqrt(second) * c[1] + c[6]);
    if constexpr (decays) {
      change += c[7] * w;  // a factor 1 - lr decay of w would be too near 1 for float32 to hold the decay well
    }
    w -= change;
  }
};

using adam_rules = List<AdamRule<false, false>, AdamRule<true, false>, AdamRule<false, true>, AdamRule<true, true>>;

}  // namespace fastopt::FASTOPT_ISA
