// Newton's method without a Hessian: H p = -g by conjugate gradients on products H v, ended early.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class NewtonCg final : public Direction {
 public:
  bool has_length() const override { return true; }

  void find(Problem& problem, const Point& at, Out d) override {
    within(problem, at, std::numeric_limits<double>::infinity(), d);
  }

  // To the border of the radius where the model falls without end: Steihaug, SIAM Journal on Numerical Analysis 20
  // (1983). A line search has no border: there negative curvature ends the sum of the steps before it.
  double within(Problem& problem, const Point& at, double radius, Out step) override {
    const std::size_t n = step.size();
    Vector r = at.gradient, d(n), hd(n), hp(n, 0.0);
    const double all = std::accumulate(r.begin(), r.end(), 0.0, [](double sum, double v) { return sum + std::abs(v); });
    const double goal = norm(r) * std::min(0.5, std::sqrt(all));
    std::ranges::fill(step, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      d[i] = -r[i];
    }
    double rr = dot(r, r);
    for (std::size_t k = 0; k < std::max<std::size_t>(2 * n, 20) && std::sqrt(rr) > goal; ++k) {
      problem.multiply_hessian(at.x, d, hd);
      const double curvature = dot(d, hd), alpha = rr / curvature;
      const double pp = dot(step, step), pd = dot(step, d), dd = dot(d, d);
      const bool falls = !(curvature > 0);
      if (falls && std::isinf(radius)) {
        if (k == 0) {
          std::ranges::copy(d, step.begin());
        }
        break;
      }
      const bool leaves = falls || std::sqrt(pp + alpha * (2 * pd + alpha * dd)) >= radius;
      // |p + tau d| = radius.
      const double tau = leaves ? (-pd + std::sqrt(std::max(0.0, pd * pd + dd * (radius * radius - pp)))) / dd : alpha;
      add(tau, d, step);
      add(tau, hd, hp);
      if (leaves) {
        break;
      }
      add(alpha, hd, r);
      const double before = rr;
      rr = dot(r, r);
      for (std::size_t i = 0; i < n; ++i) {
        d[i] = rr / before * d[i] - r[i];
      }
    }
    return -dot(at.gradient, step) - dot(step, hp) / 2;
  }
};

}  // namespace fastopt::solvers
