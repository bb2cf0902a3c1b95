// Muon (Jordan et al., 2024): momentum whose steps are made orthogonal, matrix by matrix; Adam for all else. m: running
// mean of the gradient, v: of all else, of its square.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/rules/adam.h"

namespace fastopt::FASTOPT_ISA {

// Matrices: m <- mu m + (1 - mu) g;  u = m or, with Nesterov's momentum, mu m + (1 - mu) g;  w <- w - lr f O(u)
// O(u): X <- u / (|u| + 1e-7), then some times X <- a X + b X X^T X + c X (X^T X)^2, which brings the singular values
// near 1; f: of the shape.
struct Muon {
  using Other = AdamRule<Second::mean, false>;
  static constexpr std::string_view name = "muon";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  static constexpr std::array<Extent, 2> of_matrices{Extent::tensor, Extent::nothing};
  static constexpr bool squares = true, matrices = true;
  static constexpr std::size_t gathers = 1;
  static constexpr std::array<std::string_view, 9> hyper{"learning_rate", "momentum",    "nesterov",
                                                         "adam_lr_ratio", "adam_beta_1", "adam_beta_2",
                                                         "epsilon",       "ns_steps",    "adjust_lr"};
  static Coefficients prepare(const double* h, Index step) {
    const double adam[] = {h[0] * h[3], h[4], h[5], h[6], 0};
    Coefficients c = Other::prepare(adam, step);
    c[7] = h[0];
    c[8] = h[1];
    c[9] = 1 - h[1];
    c[10] = h[2] != 0 ? 1 - h[1] : 0;
    return c;
  }
  template <class V>
  static V apply(const V* c, const V& g, V& m, V& v) {
    return Other::apply<0>(c, g, m, v);
  }
  template <class V>
  static void gather(const V* c, const V& g, V& m, V& x) {
    m = c[8] * m + c[9] * g;
    x = m + c[10] * (g - m);
  }
  template <class Matrix>
  static Index memory(Sides sides) {
    return Matrix::orthogonal_memory(sides);
  }
  static double cost(Sides s) {
    return 20 * static_cast<double>(s.size()) * static_cast<double>(std::min(s.rows, s.columns));
  }
  template <class Matrix>
  static double whole(const Matrix& x, const double* h, const double*) {
    const auto steps = static_cast<Index>(h[7]);
    auto *const first = x.room(), *const gram = x.square(0), *const b = x.square(1);
    // It ends in the room.
    auto *from = steps % 2 == 0 ? first : x.second_room(), *to = steps % 2 == 0 ? x.second_room() : first;
    x.scale(first, 1 / (x.norm(first) + 1e-7), from);
    for (Index i = 0; i < steps; ++i) {
      x.gram(from, gram);
      x.polynomial(3.4445, -4.7750, 2.0315, gram, b);
      x.transform(b, from, to);
      std::swap(from, to);
    }
    const auto inputs = static_cast<double>(x.rows), outputs = static_cast<double>(x.columns);
    return h[8] != 0 ? 0.2 * std::sqrt(std::max(inputs, outputs)) : std::sqrt(std::max(1.0, outputs / inputs));
  }
  template <class V>
  static V finish(const V* c, const V&, const V& x) {
    return c[7] * c[tensor_factor] * x;
  }
};

using muon_rules = List<Muon>;

}  // namespace fastopt::FASTOPT_ISA
