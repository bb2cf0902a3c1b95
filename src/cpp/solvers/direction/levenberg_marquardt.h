// Levenberg-Marquardt, for half a sum of squares: (J'J + mu D^2) p = -J'r with mu from a radius of |D p|. More, The
// Levenberg-Marquardt algorithm: implementation and theory (1978), with singular values in place of QR.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "solvers/direction/direction.h"
#include "solvers/linear/secular.h"
#include "solvers/linear/singular.h"

namespace fastopt::solvers {

class LevenbergMarquardt final : public Direction {
 public:
  // D is the largest lengths of the columns of J so far or, not scaled, I.
  explicit LevenbergMarquardt(bool scaled) : scaled_(scaled) {}

  void start(Index size) override {
    scale_.assign(static_cast<std::size_t>(size), scaled_ ? 0.0 : 1.0);
    known_ = false;
  }
  In scale() const override { return scale_; }

  double within(Problem& problem, const Point& at, double radius, Out step) override {
    const std::size_t n = step.size();
    if (!known_) {
      decompose(problem, at, n);
    }
    Vector p(n);
    minimize_within(a_, squares_, radius, p);
    std::ranges::fill(step, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      add(p[i], In(v_).subspan(order_[i] * n, n), step);
    }
    for (std::size_t j = 0; j < n; ++j) {
      step[j] /= scale_[j];
    }
    return predicted(a_, squares_, p);
  }
  void moved(const Point&, const Point&) override { known_ = false; }
  std::vector<Slot> slots() override { return {{"scale", scale_}}; }

 private:
  // J D^{-1} = U S V: of its transpose, whose rows are rotated.
  void decompose(Problem& problem, const Point& at, std::size_t n) {
    Vector r, jacobian;
    problem.residuals(at.x, r, jacobian);
    const std::size_t m = r.size();
    Vector columns(n * m), sigma(n);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t i = 0; i < m; ++i) {
        columns[j * m + i] = jacobian[i * n + j];
      }
      const Out column = Out(columns).subspan(j * m, m);
      if (scaled_) {
        scale_[j] = std::max(scale_[j], norm(column));
        if (scale_[j] == 0) {
          scale_[j] = 1;
        }
      }
      for (double& v : column) {
        v /= scale_[j];
      }
    }
    v_.resize(n * n);
    orthogonalize(columns, v_, sigma, [&](double operations) { problem.look(operations); });
    order_.resize(n);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, {}, [&](std::size_t i) { return sigma[i]; });
    a_.resize(n);
    squares_.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t i = order_[k];
      squares_[k] = sigma[i] * sigma[i];
      // Directions without influence stay out.
      const bool flat = sigma[i] <= 1e-15 * *std::ranges::max_element(sigma);
      a_[k] = flat ? 0 : dot(In(columns).subspan(i * m, m), r);
    }
    known_ = true;
  }

  bool scaled_, known_ = false;
  Vector scale_, v_, a_, squares_;
  std::vector<std::size_t> order_;
};

}  // namespace fastopt::solvers
