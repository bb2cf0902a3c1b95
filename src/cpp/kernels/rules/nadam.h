// Nadam: Adam with Nesterov's momentum (Dozat, 2016), and with a true look ahead. m, v: running means of the gradient
// and of its square.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/rules/adam.h"

namespace fastopt::FASTOPT_ISA {

// mu_t = b1 (1 - 0.96^(t psi) / 2);  P_t = mu_1 mu_2 ... mu_t
// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
// w <- w - lr (mu_{t+1} m / (1 - P_{t+1}) + (1 - mu_t) g / (1 - P_t)) / (sqrt(v / (1 - b2^t)) + epsilon)
struct Nadam {
  static constexpr std::string_view name = "nadam";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 5> hyper{"learning_rate", "beta_1", "beta_2", "epsilon",
                                                         "momentum_decay"};
  // P of the steps done, as the momenta came about; 0 where that is not known, as in files of fastopt 0.1.
  static constexpr std::array<std::string_view, 1> state{"momentum_product"};

  static double momentum(double b1, double psi, double t) { return b1 * (1 - 0.5 * std::pow(0.96, t * psi)); }
  // P_t where b1 and psi have always been what they are. The loop ends where the product counts as 0 or its factors as
  // b1: after 2000 of them at most.
  static double product(double b1, double psi, Index step) {
    const double ratio = std::pow(0.96, psi);
    double result = 1, power = ratio;
    Index i = 0;
    for (; i < step && result > 1e-18 && power > 1e-17; ++i, power *= ratio) {
      result *= b1 * (1 - 0.5 * power);
    }
    return result * std::pow(b1, static_cast<double>(step - i));
  }
  static double product_now(const double* h, Index step, const double* s) {
    double before = 1;
    if (step > 1) {
      before = s[0] > 0 ? s[0] : product(h[1], h[4], step - 1);
    }
    return before * momentum(h[1], h[4], static_cast<double>(step));
  }
  static Coefficients prepare(const double* h, Index step, const double* s) {
    const double t = static_cast<double>(step), b1 = h[1], b2 = h[2], psi = h[4];
    const double now = momentum(b1, psi, t), next = momentum(b1, psi, t + 1);
    const double p = product_now(h, step, s);
    return {h[0] * (1 - now) / (1 - p),
            h[0] * next / (1 - p * next),
            1 / std::sqrt(1 - std::pow(b2, t)),
            b1,
            1 - b1,
            b2,
            1 - b2,
            h[3]};
  }
  static void conclude(const double* h, Index step, const double*, double* s) {
    s[0] = std::max(product_now(h, step, s), 1e-300);  // more than 0, so that it stays known
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v) {
    m = c[3] * m + c[4] * g;
    v = c[5] * v + c[6] * (g * g);
    return (c[1] * m + c[0] * g) / (sqrt(v) * c[2] + c[7]);
  }
};

// theta = w;  w <- theta - lr (m / (1 - b1^(t-1))) / (sqrt(v / (1 - b2^(t-1))) + epsilon), which is Adam's last step
// once more, from step 2 on; with the gradient there, Adam's step from theta.
struct NadamLookAhead {
  using Step = AdamRule<Second::mean, false>;
  static constexpr std::string_view name = "nadam_look_ahead";
  static constexpr std::array<std::string_view, 3> slots{"m", "v", "theta"};
  static constexpr int theta = 2;
  static constexpr bool squares = true;
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "beta_1", "beta_2", "epsilon"};
  static Coefficients prepare(const double* h, Index step) {
    const double all[] = {h[0], h[1], h[2], h[3], 0};
    Coefficients c = Step::prepare(all, step);
    const Coefficients last = Step::prepare(all, std::max<Index>(step - 1, 1));
    c[8] = step > 1 ? last[0] : 0;
    c[9] = last[1];
    return c;
  }
  template <class V>
  static void look_ahead(const V* c, V& w, V& m, V& v, V& before) {
    before = w;
    w -= c[8] * m / (sqrt(v) * c[9] + c[6]);
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v, const V&) {
    return Step::apply<0>(c, g, m, v);
  }
};

using nadam_rules = List<Nadam, NadamLookAhead>;

}  // namespace fastopt::FASTOPT_ISA
