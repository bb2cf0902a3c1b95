// The same step each time, and no look at where it leads.
#pragma once

#include "solvers/search/search.h"

namespace fastopt::solvers {

class FixedStep final : public LineSearch {
 public:
  explicit FixedStep(double step) : step_(step) {}

 private:
  double find(Line& line, const Line::Sample&, double) override { return line.at(step_).finite() ? step_ : 0; }
  bool falls_in_any_case() const override { return true; }
  double step_;
};

}  // namespace fastopt::solvers
