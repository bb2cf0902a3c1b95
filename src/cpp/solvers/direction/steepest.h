// Steepest descent: d = -g.
#pragma once

#include <algorithm>
#include <functional>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class Steepest final : public Direction {
 public:
  void find(Problem&, const Point& at, Out d) override {
    std::ranges::transform(at.gradient, d.begin(), std::negate<>());
  }
};

}  // namespace fastopt::solvers
