// SWATS (Keskar and Socher, Improving generalization performance by switching from Adam to SGD, arXiv:1712.07628,
// 2017). m: running mean of the gradient, after the switch the velocity; v: running mean of its square.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// Adam with the step p, until the rate of SGD whose step would have p as its projection,
//   gamma = p.p / -p.g over all parameters,  lambda <- b2 lambda + (1 - b2) gamma,
// is found: |lambda / (1 - b2^t) - gamma| < tolerance. Then m is 0 again, and with that rate, Lambda,
//   m <- b1 m + g;  w <- w - (1 - b1) Lambda m
// One formula does both: after the switch the root of v has the factor 0 and epsilon is 1.
struct Swats {
  static constexpr std::string_view name = "swats";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 5> hyper{"learning_rate", "beta_1", "beta_2", "epsilon", "tolerance"};
  static constexpr int sums = 2;
  // The step of the switch is 0 before it. Lambda is kept as a multiple of the learning rate, whose schedule goes on.
  static constexpr std::array<std::string_view, 3> state{"lambda", "switch", "Lambda_by_learning_rate"};

  static Coefficients prepare(const double* h, Index step, const double* s) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    if (s[1] == 0) {
      return {h[0] / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, b2, 1 - b2, h[3]};
    }
    return {(1 - b1) * s[2] * h[0], 0, t == s[1] + 1 ? 0 : b1, 1, b2, 1 - b2, 1};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v, V* sums_) {
    m = c[2] * m + c[3] * g;
    v = c[4] * v + c[5] * (g * g);
    const V p = c[0] * m / (sqrt(v) * c[1] + c[6]);
    sums_[0] += p * p;
    sums_[1] += p * g;
    return p;
  }
  static void conclude(const double* h, Index step, const double* sums_, double* s) {
    if (s[1] != 0 || sums_[1] == 0) {
      return;
    }
    const double gamma = sums_[0] / sums_[1], b2 = h[2];  // p is the step with the sign changed
    s[0] = b2 * s[0] + (1 - b2) * gamma;
    const double rate = s[0] / (1 - std::pow(b2, static_cast<double>(step)));
    if (step > 1 && rate > 0 && std::abs(rate - gamma) < h[4]) {
      s[1] = static_cast<double>(step);
      s[2] = rate / h[0];
    }
  }
};

using swats_rules = List<Swats>;

}  // namespace fastopt::FASTOPT_ISA
