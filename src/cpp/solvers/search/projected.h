// Within bounds: backtracking along the projection of the line, x(a) = P(x + a d), with the variables that a bound
// holds left out of the direction. Bertsekas, SIAM Journal on Control and Optimization 20 (1982).
#pragma once

#include "solvers/search/search.h"

namespace fastopt::solvers {

class Projected final : public Search {
 public:
  Projected(double c1, double factor, Index tries) : c1_(c1), factor_(factor), tries_(tries) {}

  bool advance(Problem& problem, Direction& direction, const Point& from, Point& to) override {
    const std::size_t n = from.x.size();
    Point free = from;
    Vector d(n);
    to.gradient.resize(n);
    // A variable stays where the smallest step against its gradient is undone.
    Vector moved = from.x;
    for (std::size_t i = 0; i < n; ++i) {
      moved[i] = std::nextafter(from.x[i], from.gradient[i] > 0 ? -infinity : infinity);
    }
    problem.project(moved);
    for (std::size_t i = 0; i < n; ++i) {
      if (moved[i] == from.x[i]) {
        free.gradient[i] = 0;
      }
    }
    for (const bool anew : {false, true}) {
      if (anew) {
        direction.restart();
      }
      direction.changed();  // the gradient is not that of the point
      direction.find(problem, free, d);
      for (std::size_t i = 0; i < n; ++i) {
        if (free.gradient[i] == 0 && from.gradient[i] != 0) {
          d[i] = 0;
        }
      }
      const double slope = dot(free.gradient, d);
      length_ = direction.has_length() ? 1 : std::min(1.0, 1 / norm(free.gradient));
      for (Index i = 0; slope < 0 && i < tries_; ++i, length_ *= factor_) {
        to.x = from.x;
        add(length_, d, to.x);
        problem.project(to.x);
        double fall = 0;
        for (std::size_t k = 0; k < n; ++k) {
          fall += from.gradient[k] * (to.x[k] - from.x[k]);
        }
        to.value = problem.value(to.x);
        if (to.value <= from.value + c1_ * std::min(fall, 0.0) && to.x != from.x) {
          problem.gradient(to.x, to.gradient);
          return true;
        }
      }
    }
    return false;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  double c1_, factor_;
  Index tries_;
};

}  // namespace fastopt::solvers
