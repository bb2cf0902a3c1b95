// Adafactor (Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost, ICML 2018,
// arXiv:1804.04235). r, c: running means of the squares of a matrix, by its rows and by its columns; v: of all else;
// m: running mean of the steps.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// With s = g^2 + eps1 and p = t^beta_2_decay:
//   r_i <- (1 - p) r_i + p mean_j s_ij;  c_j <- (1 - p) c_j + p mean_i s_ij;  v_ij = r_i c_j / mean(r)
// or, of what is no matrix, v <- (1 - p) v + p s. Then, with RMS the root mean square over the tensor,
//   u = g / sqrt(v);  u <- u / max(1, RMS(u) / clip_threshold) max(eps2, RMS(w)) min(lr, 1 / sqrt(t))
//   w <- w - u  or  m <- b m + (1 - b) u;  w <- w - m
template <bool moves>
struct AdafactorRule {
  static constexpr std::string_view name = moves ? "adafactor_momentum" : "adafactor";
  static constexpr auto slots = [] {
    if constexpr (moves) {
      return std::array<std::string_view, 4>{"v", "r", "c", "m"};
    } else {
      return std::array<std::string_view, 3>{"v", "r", "c"};
    }
  }();
  static constexpr std::array of_matrices{Extent::nothing, Extent::rows, Extent::columns, Extent::tensor};
  static constexpr std::array of_others{Extent::tensor, Extent::nothing, Extent::nothing, Extent::tensor};
  static constexpr bool squares = true, matrices = true, everything = true;
  static constexpr std::size_t gathers = 0;
  static constexpr auto hyper = [] {
    constexpr std::array<std::string_view, 7> own{"learning_rate",  "beta_2_decay",  "epsilon_1",      "epsilon_2",
                                                  "clip_threshold", "relative_step", "scale_parameter"};
    std::array<std::string_view, own.size() + moves> all;
    std::ranges::copy(own, all.begin());
    if constexpr (moves) {
      all.back() = "momentum";
    }
    return all;
  }();
  static Coefficients prepare(const double* h, Index step) {
    const double t = static_cast<double>(step);
    return {h[5] != 0 ? std::min(h[0], 1 / std::sqrt(t)) : h[0], std::pow(t, h[1])};
  }
  template <class V>
  static void gather(const V*, const V& g, V& x) {
    x = g;
  }
  template <class Matrix>
  static Index memory(Sides sides) {
    return Matrix::means_memory(sides);
  }
  template <class Matrix>
  static double whole(const Matrix& x, const double* h, const double* c) {
    const double root = std::sqrt(static_cast<double>(x.size()));
    if (x.matrix) {
      x.divide_by_means(c[1], h[2], x.slots[1], x.slots[2]);
    } else {
      x.divide_by_mean(c[1], h[2], x.slots[0]);
    }
    const double scale = h[6] != 0 ? std::max(h[3], x.norm(x.parameter) / root) : 1;
    const double factor = c[0] * scale / std::max(1.0, x.norm(x.room()) / (root * h[4]));
    if constexpr (moves) {
      x.average(h[7], factor, x.slots[3]);
      return 1;
    }
    return factor;
  }
  template <class V>
  static V finish(const V* c, const V&, const V& x) {
    return c[tensor_factor] * x;
  }
};

using adafactor_rules = List<AdafactorRule<false>, AdafactorRule<true>>;

}  // namespace fastopt::FASTOPT_ISA
