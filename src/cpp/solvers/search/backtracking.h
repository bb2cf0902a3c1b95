// Backtracking: a step is shortened until phi(a) <= phi(0) + c1 a phi'(0) (Armijo), each time by a fixed factor.
#pragma once

#include "solvers/search/search.h"

namespace fastopt::solvers {

class Backtracking final : public LineSearch {
 public:
  Backtracking(double c1, double factor, Index tries) : c1_(c1), factor_(factor), tries_(tries) {}

 private:
  double find(Line& line, const Line::Sample& start, double first) override {
    double step = first;
    for (Index i = 0; i < tries_; ++i, step *= factor_) {
      if (line.value_at(step) <= start.value + c1_ * step * start.slope) {
        line.differentiate();
        return step;
      }
    }
    return 0;
  }

  double c1_, factor_;
  Index tries_;
};

}  // namespace fastopt::solvers
