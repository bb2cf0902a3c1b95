// SOAP (Vyas et al., SOAP: improving and stabilizing Shampoo using Adam, ICLR 2025, arXiv:2409.11321): Adam in the
// basis of the eigenvectors of Shampoo's preconditioners. m, v: running means of the gradient and of its square, of
// matrices in that basis; l, r: running means of g g^T and of g^T g; ql, qr: their eigenvectors, a row each.
#pragma once

#include <cmath>

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// Matrices: p = ql g qr^T;  m <- b1 m + (1 - b1) p;  v <- b2 v + (1 - b2) p^2;  u = ql^T (m / (sqrt(v) + epsilon)) qr
// w <- w - a u;  w <- w - lr decay w;  a = lr sqrt(1 - b2^k) / (1 - b1^k), k = t - 1
// l <- b l + (1 - b) g g^T;  r <- b r + (1 - b) g^T g; after each k that the frequency divides, ql and qr are
// orthonormal rows of ql l and of qr r, in the order of the eigenvalues, and m goes with them.
// All else: without ql and qr. The first step moves nothing; it finds l and r and their eigenvectors.
struct Soap {
  static constexpr std::string_view name = "soap";
  static constexpr std::array<std::string_view, 6> slots{"m", "v", "l", "r", "ql", "qr"};
  static constexpr std::array of_matrices{Extent::tensor,         Extent::tensor,
                                          Extent::square_of_rows, Extent::square_of_columns,
                                          Extent::square_of_rows, Extent::square_of_columns};
  static constexpr std::array of_others{Extent::tensor,  Extent::tensor,  Extent::nothing,
                                        Extent::nothing, Extent::nothing, Extent::nothing};
  static constexpr bool squares = true, decays = true, matrices = true;
  static constexpr std::size_t gathers = 0, others = 2;
  static constexpr std::array<std::string_view, 6> hyper{"learning_rate", "beta_1",  "beta_2",
                                                         "shampoo_beta",  "epsilon", "precondition_frequency"};
  static Coefficients prepare(const double* h, Index step) {
    const double k = static_cast<double>(step - 1);
    if (step == 1) {
      return {0, 1, 0, 1, 0, h[4], 0, 0};
    }
    const double rate = h[0] * std::sqrt(1 - std::pow(h[2], k)) / (1 - std::pow(h[1], k));
    const bool turns = std::fmod(k, h[5]) == 0;
    return {rate, h[1], 1 - h[1], h[2], 1 - h[2], h[4], 1, turns ? 1.0 : 0.0};
  }
  template <class V>
  static V moved(const V* c, const V& w, const V& decay, const V& u) {
    const V step = c[0] * u;
    return step + (c[6] * decay) * (w - step);
  }
  template <class V>
  static V apply(const V* c, const V& w, const V& decay, const V& g, V& m, V& v) {
    m = c[1] * m + c[2] * g;
    v = c[3] * v + c[4] * (g * g);
    return moved(c, w, decay, V(m / (sqrt(v) + c[5])));
  }
  // So that sums of squares stay finite.
  template <class V>
  static void gather(const V*, const V& g, V& x) {
    constexpr typename V::value_type bound = sizeof(typename V::value_type) == 4 ? 0x1p50 : 0x1p480;
    x = at_most(at_least(g, V(-bound)), V(bound));
  }
  template <class Matrix>
  static Index memory(Sides sides) {
    return Matrix::bases_memory(sides);
  }
  static double cost(Sides s) { return 12 * static_cast<double>(s.size()) * static_cast<double>(s.rows + s.columns); }
  template <class Matrix>
  static double whole(const Matrix& x, const double* h, const double* c) {
    const auto [m, v, l, r, ql, qr] = x.slots;
    auto *const g = x.room(), *const p = x.second_room();
    if (c[6] == 0) {
      x.add_squares(h[3], g, l, r);
      x.find_bases(l, r, ql, qr);
      x.scale(g, 0, g);
      return 1;
    }
    x.to_bases(ql, qr, g, p);
    x.adam(c, p, m, v);
    x.add_squares(h[3], g, l, r);
    x.from_bases(ql, qr, p, g);
    if (c[7] != 0) {
      x.from_bases(ql, qr, m, p);
      x.turn_bases(l, r, ql, qr, v);
      x.to_bases(ql, qr, p, m);
    }
    return 1;
  }
  template <class V>
  static V finish(const V* c, const V& w, const V& decay, const V& u) {
    return moved(c, w, decay, u);
  }
};

using soap_rules = List<Soap>;

}  // namespace fastopt::FASTOPT_ISA
