// The exact search: a zero of phi', the first one beyond which the function does not fall. On a quadratic one secant
// ends in it.
#pragma once

#include <numeric>

#include "solvers/search/search.h"

namespace fastopt::solvers {

class Exact final : public LineSearch {
 public:
  // |phi'(a)| <= tolerance |phi'(0)|.
  Exact(double tolerance, Index tries) : tolerance_(tolerance), tries_(tries) {}

 private:
  using Sample = Line::Sample;

  double find(Line& line, const Sample& start, double first) override {
    // The function falls at `low`, and rises at `high` or is higher there. Small steps at first, so that no minimum is
    // passed unseen.
    Sample low = start, before = start, high{}, at = line.at(first / 8);
    bool bounded = false;
    double wide = 0;
    // Values tell nothing of what rounding does to them.
    const double rounding = 1e-13 * std::abs(start.value);
    for (Index i = 1; i < tries_; ++i) {
      if (at.finite() && std::abs(at.slope) <= -tolerance_ * start.slope && at.value <= low.value + rounding) {
        return at.step;
      }
      const bool beyond = !(at.slope < 0 && at.value <= low.value + rounding);
      if (beyond) {
        high = at;
        bounded = true;
      } else {
        before = low;
        low = at;
      }
      // A secant over the slopes' change of sign or, still falling, of the last two.
      const Sample& other = bounded ? high : before;
      double next = low.step - low.slope * (low.step - other.step) / (low.slope - other.slope);
      const double farthest = bounded ? high.step : 2 * low.step;
      const bool halve = bounded && (!(high.slope > 0) || (i % 3 == 0 && high.step - low.step > wide / 2));
      if (halve) {
        next = std::midpoint(low.step, high.step);
      } else if (!(next > low.step && next < farthest)) {
        next = bounded ? std::midpoint(low.step, high.step) : farthest;
      }
      if (i % 3 == 0) {
        wide = bounded ? high.step - low.step : 0;
      }
      if (next == low.step || (bounded && next == high.step)) {
        break;
      }
      at = line.at(next);
    }
    // All that rounding leaves.
    return low.step > 0 && line.at(low.step).value <= start.value + rounding ? low.step : 0;
  }

  double tolerance_;
  Index tries_;
};

}  // namespace fastopt::solvers
