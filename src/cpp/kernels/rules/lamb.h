// LAMB (You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020): Adam whose
// step has, in each tensor, the length of the tensor. m, v: running means of the gradient and of its square.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
// u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon) + decay w;  w <- w - lr |w| / |u| u
struct Lamb {
  static constexpr std::string_view name = "lamb";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 5> hyper{"learning_rate", "beta_1", "beta_2", "epsilon",
                                                         "weight_decay"};
  static constexpr int sums = 4, finishing = 2;
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    return {1 / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, 1 - b1, b2, 1 - b2, h[3], h[4], h[0]};
  }
  template <class V>
  static V direction(const V* c, const V& w, const V& m, const V& v) {
    return c[0] * m / (sqrt(v) * c[1] + c[6]) + c[7] * w;
  }
  template <class V>
  static void apply(const V* c, const V& w, const V& g, V& m, V& v, V* sums_) {
    m = c[2] * m + c[3] * g;
    v = c[4] * v + c[5] * (g * g);
    const V u = direction(c, w, m, v);
    sums_[0] += w * w;
    sums_[1] += u * u;
    // Of floats above 1.8e19 these overflow, but not the squares of what is so much smaller.
    constexpr typename V::value_type small = sizeof(typename V::value_type) == 4 ? 0x1p-70 : 1;
    sums_[2] += (small * w) * (small * w);
    sums_[3] += (small * u) * (small * u);
  }
  // A tensor of zeros, or one without a direction, takes the step as it is.
  static double factor(const double* s) {
    const auto sum = [&](int i) { return std::isinf(s[i]) ? 0x1p140 * s[i + 2] : s[i]; };
    return sum(0) > 0 && sum(1) > 0 ? std::sqrt(sum(0) / sum(1)) : 1;
  }
  template <class V>
  static V finish(const V* c, const V& w, const V& m, const V& v) {
    return c[8] * c[tensor_factor] * direction(c, w, m, v);
  }
};

using lamb_rules = List<Lamb>;

}  // namespace fastopt::FASTOPT_ISA
