// Adam (Kingma and Ba, 2015), AMSGrad (Reddi, Kale and Kumar, 2018) and bounds of their rates (Luo et al., Adaptive
// gradient methods with dynamic bound of learning rate, ICLR 2019). m, v: running means of the gradient and of its
// square, vmax: the largest v so far.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

enum class Second : std::uint8_t { mean, largest, rising };

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
// largest: vmax <- max(vmax, v) stands for v in the last step. rising: v <- max(v, b2 v + (1 - b2) g^2), and no bias is
// corrected. With epsilon in the root it is added to what this is taken of. Bounded: what m is multiplied by is held
// between two numbers, by limits of its inverse.
template <Second second, bool bounded>
struct AdamRule {
  static constexpr bool largest = second == Second::largest, rising = second == Second::rising;
  static constexpr std::string_view name = [] {
    constexpr std::string_view names[3][2] = {
        {"adam", "adam_bounded"}, {"amsgrad", "amsgrad_bounded"}, {"amsgrad_rising", "amsgrad_rising_bounded"}};
    return names[static_cast<int>(second)][bounded];
  }();
  static constexpr auto slots = [] {
    std::array<std::string_view, 2 + largest> names{"m", "v"};
    if (largest) {
      names[2] = "vmax";
    }
    return names;
  }();
  static constexpr bool squares = true;
  static constexpr auto hyper = [] {
    std::array<std::string_view, 5 + 2 * bounded> names{"learning_rate", "beta_1", "beta_2", "epsilon",
                                                        "epsilon_in_root"};
    if (bounded) {
      names[5] = "min_rate";
      names[6] = "max_rate";
    }
    return names;
  }();
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2];
    const double first = rising ? 1 : 1 - std::pow(b1, t), square = rising ? 1 : 1 - std::pow(b2, t);
    Coefficients c{bounded ? first / h[0] : h[0] / first,
                   1 / std::sqrt(square),
                   b1,
                   1 - b1,
                   b2,
                   1 - b2,
                   h[4] != 0 ? h[3] * square : h[3],
                   bounded ? 1 / h[5] : 0,
                   bounded ? 1 / h[6] : 0};
    c[variant_place] = h[4];
    return c;
  }
  static constexpr int variants = 2;  // 1: epsilon in the root
  template <int in_root, class V, class... Largest>
  static V apply(const V* c, const V& g, V& m, V& v, Largest&... vmax) {
    m = c[2] * m + c[3] * g;
    const V mean = c[4] * v + c[5] * (g * g);
    v = rising ? max(v, mean) : mean;
    ((vmax = max(vmax, v)), ...);
    V square = v;
    ((square = vmax), ...);
    const V root = in_root ? sqrt(square + c[6]) * c[1] : sqrt(square) * c[1] + c[6];
    if constexpr (bounded) {
      return m / at_least(at_most(c[0] * root, c[7]), c[8]);
    } else {
      return c[0] * m / root;
    }
  }
};

using adam_rules =
    List<AdamRule<Second::mean, false>, AdamRule<Second::largest, false>, AdamRule<Second::rising, false>,
         AdamRule<Second::mean, true>, AdamRule<Second::largest, true>, AdamRule<Second::rising, true>>;

}  // namespace fastopt::FASTOPT_ISA
