// Schedule-Free gradient descent, AdamW and RAdam (Defazio et al., The road less scheduled, NeurIPS 2024). z: what goes
// the steps, v: running mean of the gradient's square; y: where the gradient is taken, while the average x is in the
// place of the parameters.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/rules/radam.h"
#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

enum class Free : std::uint8_t { sgd, adamw, radam };

// y = (1 - b) z + b x, and with the gradient there:
// s = lr_t (u + decay y);  z <- z - s;  x <- (1 - c_t) x + c_t z;  c_t = p_t / (p_1 + ... + p_t)
// p_t = t^r (the largest lr so far)^power
// Of x and y one is kept: the parameters are y while training goes on, and y <- y + k (z - y) - (1 - b (1 - c)) s with
// k = 1 - (b / b') (1 - c), where b' is the b before. x = y + (1 - 1 / b) (z - y).
// SGD: u = g;  AdamW: v <- b2 v + (1 - b2) g^2;  u = g / (sqrt(v / (1 - b2^t)) + epsilon), with lr_t = lr t /
// warmup_steps until it is lr.  RAdam: lr_t = lr times the rectification, and while that is not known u = g with lr_t =
// 0, or lr.
template <Free form>
struct ScheduleFree {
  static constexpr bool scales = form != Free::sgd, rectifies = form == Free::radam;
  static constexpr std::string_view name = [] {
    constexpr std::string_view names[] = {"schedule_free_sgd", "schedule_free_adamw", "schedule_free_radam"};
    return names[static_cast<int>(form)];
  }();
  static constexpr auto slots = [] {
    std::array<std::string_view, 2 + scales> names{"z", "y"};
    if (scales) {
      names[1] = "v";
      names[2] = "y";
    }
    return names;
  }();
  static constexpr bool squares = scales, decays = true, averages = true;
  static constexpr std::array<int, 1> starts{0};
  static constexpr auto hyper = [] {
    std::array<std::string_view, scales ? 7 : 5> names{"learning_rate", scales ? "beta_1" : "momentum", "r",
                                                       "weight_lr_power",
                                                       rectifies ? "silent_sgd_phase" : "warmup_steps"};
    if (scales) {
      names[5] = "beta_2";
      names[6] = "epsilon";
    }
    return names;
  }();
  // Of all steps: the sum of p, the largest rate, c of the last step, b of the last step; and whether the average is in
  // the place of the parameters.
  static constexpr std::array<std::string_view, 5> state{"weight_sum", "largest_rate", "part", "momentum",
                                                         "at_average"};

  // lr_t / lr; and whether u is scaled.
  static double factor_of_rate(const double* h, double t) {
    if constexpr (rectifies) {
      const double r = radam_length(h[5], t);
      return r > 4 ? std::sqrt(radam_square(h[5], r)) : 1 - h[4];
    } else {
      return t < h[4] ? t / h[4] : 1;
    }
  }
  static void advance(const double* h, Index step, double* s) {
    const double t = static_cast<double>(step);
    s[1] = std::max(s[1], h[0] * factor_of_rate(h, t));
    const double weight = std::pow(t, h[2]) * std::pow(s[1], h[3]);
    s[0] += weight;
    s[2] = s[0] > 0 ? weight / s[0] : 0;
  }
  static Coefficients prepare(const double* h, Index step, const double* s) {
    const double t = static_cast<double>(step), b = h[1], before = s[3] > 0 ? s[3] : b, c = s[2];
    const double factor = factor_of_rate(h, t), rate = h[0] * factor;
    Coefficients made{rate, factor, 1 - b / before * (1 - c), 1 - b * (1 - c)};
    if constexpr (scales) {
      const bool scaled = !rectifies || radam_length(h[5], t) > 4;
      made[0] = scaled ? rate : 0;
      made[4] = scaled ? 0 : rate;
      made[5] = h[5];
      made[6] = 1 - h[5];
      made[7] = 1 / std::sqrt(1 - std::pow(h[5], t));
      made[8] = h[6];
    }
    return made;
  }
  static void conclude(const double* h, Index, const double*, double* s) { s[3] = h[1]; }
  template <class V, class... Second>
  static V apply(const V* c, const V& y, const V& decay, const V& g, V& z, Second&... second) {
    V step = c[0] * g;
    if constexpr (scales) {
      V& v = std::get<0>(std::tie(second...));
      v = c[5] * v + c[6] * (g * g);
      step = g * (c[0] / (sqrt(v) * c[7] + c[8]) + c[4]);
    }
    step += c[1] * (decay * y);
    const V change = c[2] * (y - z) + c[3] * step;
    z -= step;
    return change;
  }

  static Coefficients between(const double* s) { return {1 - 1 / s[3], s[3]}; }
  template <class V>
  static V average(const V* c, const V& y, const V& z) {
    return y + c[0] * (z - y);
  }
  // The average in the place of the parameters; and back, to where the gradient was to be taken, or, where somebody has
  // changed the average since, to what that makes of it.
  template <class V, class... Rest>
  static void to_average(const V* c, V& w, V& z, Rest&... rest) {
    V& y = std::get<sizeof...(Rest) - 1>(std::tie(rest...));
    y = w;
    w = average(c, y, z);
  }
  template <class V, class... Rest>
  static void from_average(const V* c, V& w, V& z, Rest&... rest) {
    const V& y = std::get<sizeof...(Rest) - 1>(std::tie(rest...));
    const auto same = w == average(c, y, z);
    w = z + c[1] * (w - z);
    where(same, w) = y;
  }
};

using schedule_free_rules = List<ScheduleFree<Free::sgd>, ScheduleFree<Free::adamw>, ScheduleFree<Free::radam>>;

}  // namespace fastopt::FASTOPT_ISA
