// A trust region: steps that the model makes within a radius, which follows how well the model foretold the decrease.
// Conn, Gould and Toint, Trust Region Methods (2000), 6.1.
#pragma once

#include "solvers/search/search.h"

namespace fastopt::solvers {

class TrustRegion final : public Search {
 public:
  // Where lengths are scaled, the first radius is in units of |D x|.
  TrustRegion(double first, double longest, double shrink) : first_(first), longest_(longest), shrink_(shrink) {}

  void start() override { length_ = 0; }

  bool advance(Problem& problem, Direction& direction, const Point& from, Point& to) override {
    const std::size_t n = from.x.size();
    Vector step(n), scaled(n);
    to.gradient.resize(n);
    const auto size = [&](In v) {
      const In scale = direction.scale();
      for (std::size_t i = 0; i < n; ++i) {
        scaled[i] = scale.empty() ? v[i] : scale[i] * v[i];
      }
      return norm(scaled);
    };
    bool begins = length_ == 0;
    double radius = begins ? first_ : length_;
    if (begins && !direction.scale().empty()) {
      direction.within(problem, from, 1, step);  // D is known then
      const double at = size(from.x);
      radius *= at > 0 ? at : 1;
    }
    for (int i = 0; i < 100; ++i) {
      const double gain = direction.within(problem, from, radius, step);
      const double length = size(step);
      to.x = from.x;
      add(1, step, to.x);
      problem.project(to.x);
      if (!(gain > 0) || to.x == from.x) {
        length_ = radius;
        return false;
      }
      if (begins && !direction.scale().empty()) {
        radius = std::min(radius, length);
      }
      begins = false;
      to.value = problem.value(to.x);
      const double ratio = std::isfinite(to.value) ? (from.value - to.value) / gain : -1;
      // So small a decrease is rounding: what the model says counts.
      const bool lost =
          gain <= 1e-15 * std::abs(from.value) && std::abs(to.value - from.value) <= 1e-14 * std::abs(from.value);
      if (ratio < 0.25 && !lost) {
        radius = shrink_ * length;
      } else if (ratio > 0.75 && length >= 0.99 * radius) {
        radius = std::min(2 * radius, longest_);
      }
      if (ratio > 1e-4 || lost) {
        problem.gradient(to.x, to.gradient);
        length_ = radius;
        return true;
      }
    }
    length_ = radius;
    return false;
  }

 private:
  double first_, longest_, shrink_;
};

}  // namespace fastopt::solvers
