// BFGS: an approximation M of the inverse Hessian, M <- (I - s y'/y's) M (I - y s'/y's) + s s'/y's; d = -M g. Where y's
// is not positive M stays. Nocedal and Wright, Numerical Optimization, 2nd edition, chapter 6.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class Bfgs final : public Direction {
 public:
  // M begins as I or, scaled, as y's/y'y I before the first change.
  explicit Bfgs(bool scaled) : scaled_(scaled) {}

  void start(Index size) override {
    const auto n = static_cast<std::size_t>(size);
    inverse_.assign(n * n, 0.0);
    step_.assign(n, 0.0);
    difference_.assign(n, 0.0);
    image_.assign(n, 0.0);
    restart();
  }
  void restart() override {
    changes_ = 0;
    set_identity(1);
  }
  double longest() const override { return 1; }

  void find(Problem&, const Point& at, Out d) override {
    multiply(inverse_, at.gradient, d);
    for (double& v : d) {
      v = -v;
    }
  }

  void moved(const Point& from, const Point& to) override {
    move(to.x, -1, from.x, step_);
    move(to.gradient, -1, from.gradient, difference_);
    const double curvature = dot(difference_, step_), squared = dot(difference_, difference_);
    if (!(curvature > 1e-16 * squared) || !std::isfinite(squared / curvature)) {
      return;
    }
    if (changes_++ == 0 && scaled_) {
      set_identity(curvature / squared);
    }
    multiply(inverse_, difference_, image_);
    const double rho = 1 / curvature, weight = rho * (1 + rho * dot(difference_, image_));
    add_two([&](std::size_t i) { return std::array{weight * step_[i] - rho * image_[i], -rho * step_[i]}; }, step_,
            image_, inverse_);
  }
  std::vector<Slot> slots() override { return {{"inverse", inverse_}, {"changes", {&changes_, 1}}}; }

 private:
  void set_identity(double value) {
    std::ranges::fill(inverse_, 0.0);
    for (std::size_t i = 0; i < inverse_.size(); i += step_.size() + 1) {
      inverse_[i] = value;
    }
  }
  bool scaled_;
  Vector inverse_, step_, difference_, image_;  // M, s, y and M y
  double changes_ = 0;
};

}  // namespace fastopt::solvers
