// The loop of all methods that look at the whole function: a direction, a search, and when to stop.
#pragma once

#include <memory>

#include "solvers/direction/direction.h"
#include "solvers/search/search.h"

namespace fastopt::solvers {

struct Limits {
  double gradient = 1e-5;  // |g|, the largest or, Euclidean, the length
  bool euclidean = false;
  double value = 0;  // (f - f_next) / max(|f|, |f_next|, floor)
  double floor = 1;
  double step = 0;  // |s| / |x|
};

enum class Ending { none, gradient, value, step, search, not_finite };

class Minimizer {
 public:
  Minimizer(std::unique_ptr<Direction> direction, std::unique_ptr<Search> search, const Limits& limits)
      : direction_(std::move(direction)), search_(std::move(search)), limits_(limits) {}

  // Where it starts.
  void place(In x);
  // The value and the gradient at the point: before the first iteration, and where the problem has become another;
  // `changed` forgets what directions and searches know of its values.
  Ending evaluate(Problem& problem, bool changed = false);
  // As `place` and `evaluate`. The problem stays the same until the end.
  Ending start(Problem& problem, In x);
  // Where a call of the problem throws, the point stays, and the next iteration is as this one would have been.
  Ending iterate(Problem& problem);

  const Point& point() const { return at_; }
  double gradient_size(const Problem& problem) const;
  // All that an iteration depends on.
  std::vector<Slot> slots();

 private:
  // The last one, from next_ to at_.
  bool step_is_small() const;

  std::unique_ptr<Direction> direction_;
  std::unique_ptr<Search> search_;
  Limits limits_;
  Point at_, next_;
};

}  // namespace fastopt::solvers
