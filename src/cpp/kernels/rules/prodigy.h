// Prodigy (Mishchenko and Defazio, 2024). m, v, s: sums of the gradient, of its square and of the gradient, weighted by
// d, the estimate of how far away the minimum is; x0: the parameters at the start.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// With d and a = d lr (times sqrt(1 - b2^t) / (1 - b1^t) where the bias is corrected), over all parameters:
// r <- b3 r + (d / d0) a g.(x0 - w);  s <- b3 s + (d / d0) a g, or with the safeguard (d / d0) d g
// m <- b1 m + (1 - b1) d g;  v <- b2 v + (1 - b2) d^2 g^2
// e = d_coef r / |s|_1;  d' = max(d, e) while d is d0;  most <- max(most, e);  d' <- min(most, growth_rate d)
// w <- w - a (m / (sqrt(v) + d' epsilon) + decay w);  d <- d'
struct Prodigy {
  static constexpr std::string_view name = "prodigy";
  static constexpr std::array<std::string_view, 4> slots{"m", "v", "s", "x0"};
  static constexpr bool squares = true, decays = true;
  static constexpr std::array<int, 1> starts{3};
  static constexpr std::array<std::string_view, 10> hyper{
      "learning_rate",      "beta_1", "beta_2", "beta_3", "epsilon", "d0", "d_coef", "growth_rate", "safeguard_warmup",
      "use_bias_correction"};
  static constexpr int sums = 2, finishing = 2;
  // 0 before the first step.
  static constexpr std::array<std::string_view, 3> state{"d", "largest", "numerator"};

  static double distance(const double* h, const double* s) { return s[0] > 0 ? s[0] : h[5]; }
  static double corrected(const double* h, Index step) {
    const double t = static_cast<double>(step);
    return h[9] == 0 ? 1 : std::sqrt(1 - std::pow(h[2], t)) / (1 - std::pow(h[1], t));
  }
  static Coefficients prepare(const double* h, Index step, const double* s) {
    const double d = distance(h, s), factor = d * corrected(h, step), rate = h[0] * factor;
    return {
        d / h[5] * rate, h[1], d * (1 - h[1]), h[2], d * d * (1 - h[2]), h[3], d / h[5] * (h[8] != 0 ? d : rate), rate,
        factor};
  }
  template <class V>
  static void apply(const V* c, const V& w, const V& g, V& m, V& v, V& s, V& x0, V* sums_) {
    m = c[1] * m + c[2] * g;
    v = c[3] * v + c[4] * (g * g);
    s = c[5] * s + c[6] * g;
    sums_[0] += c[0] * (g * (x0 - w));
    sums_[1] += abs(s);
  }
  // The numbers after the step, which has these sums.
  static void conclude(const double* h, Index, const double* sums_, double* s) {
    const double d = distance(h, s);
    s[0] = d;
    if (h[0] == 0 || sums_[1] == 0) {
      return;
    }
    s[2] = h[3] * s[2] + sums_[0];
    const double estimate = h[6] * s[2] / sums_[1], grown = d == h[5] ? std::max(d, estimate) : d;
    s[1] = std::max({s[1], h[5], estimate});
    s[0] = std::min(s[1], grown * h[7]);
  }
  static double factor_of_all(const double* h, const double* s) { return s[0] * h[4]; }
  template <class V>
  static V finish(const V* c, const V& w, const V& decay, const V& m, const V& v) {
    return c[7] * m / (sqrt(v) + c[tensor_factor]) + (c[8] * decay) * w;
  }
};

using prodigy_rules = List<Prodigy>;

}  // namespace fastopt::FASTOPT_ISA
