// Newton's method, with the exact Hessian.
#pragma once

#include <algorithm>
#include <cmath>

#include "solvers/direction/direction.h"
#include "solvers/linear/secular.h"
#include "solvers/linear/symmetric.h"

namespace fastopt::solvers {

class Newton final : public Direction {
 public:
  // Along a line: d = -(H + alpha I)^{-1} g, into a saddle as well.
  explicit Newton(double alpha) : alpha_(alpha) {}

  void start(Index) override { known_ = false; }
  bool has_length() const override { return true; }

  void find(Problem& problem, const Point& at, Out d) override {
    const std::size_t n = d.size();
    vectors_.resize(n * n);
    problem.hessian(at.x, vectors_);
    for (std::size_t i = 0; i < n; ++i) {
      vectors_[i * n + i] += alpha_;
      d[i] = -at.gradient[i];
    }
    if (!solve(vectors_, d, [&](double operations) { problem.look(operations); })) {
      throw std::domain_error("H + alpha I is singular for alpha = " + std::to_string(alpha_) + "; give another alpha");
    }
  }
  // The best step of the quadratic model, which leaves saddles along negative curvature.
  double within(Problem& problem, const Point& at, double radius, Out step) override {
    const std::size_t n = step.size();
    if (!known_) {
      vectors_.resize(n * n);
      values_.resize(n);
      problem.hessian(at.x, vectors_);
      diagonalize(vectors_, values_, [&](double operations) { problem.look(operations); });
      known_ = true;
    }
    Vector a(n), p(n);
    multiply(vectors_, at.gradient, a);
    minimize_within(a, values_, radius, p);
    std::ranges::fill(step, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      add(p[i], In(vectors_).subspan(i * n, n), step);
    }
    return predicted(a, values_, p);
  }
  void moved(const Point&, const Point&) override { known_ = false; }
  void changed() override { known_ = false; }

 private:
  double alpha_;
  bool known_ = false;  // the eigenvectors belong to the point
  Vector vectors_, values_;
};

}  // namespace fastopt::solvers
