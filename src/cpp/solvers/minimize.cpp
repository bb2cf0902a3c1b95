#include "solvers/minimize.h"

#include <utility>

namespace fastopt::solvers {

void Minimizer::place(In x) {
  at_.x.assign(x.begin(), x.end());
  at_.gradient.assign(x.size(), 0.0);
  next_ = at_;
  direction_->start(static_cast<Index>(x.size()));
  search_->start();
}

Ending Minimizer::start(Problem& problem, In x) {
  place(x);
  problem.project(at_.x);
  return evaluate(problem);
}

Ending Minimizer::evaluate(Problem& problem, bool changed) {
  if (changed) {
    direction_->changed();
    search_->changed();
  }
  at_.value = problem.differentiate(at_.x, at_.gradient);
  if (!std::isfinite(at_.value) || !all_finite(at_.gradient)) {
    return Ending::not_finite;
  }
  return gradient_size(problem) <= limits_.gradient ? Ending::gradient : Ending::none;
}

Ending Minimizer::iterate(Problem& problem) {
  if (!search_->advance(problem, *direction_, at_, next_)) {
    return Ending::search;
  }
  if (!all_finite(next_.gradient)) {
    return Ending::not_finite;
  }
  direction_->moved(at_, next_);
  std::swap(at_, next_);  // next_ is the point before
  const double scale = std::max({std::abs(at_.value), std::abs(next_.value), limits_.floor});
  const double fall = next_.value - at_.value;
  return gradient_size(problem) <= limits_.gradient           ? Ending::gradient
         : fall <= limits_.value * scale && limits_.value > 0 ? Ending::value
         : limits_.step > 0 && step_is_small()                ? Ending::step
                                                              : Ending::none;
}

bool Minimizer::step_is_small() const {
  Vector step(at_.x.size());
  move(at_.x, -1, next_.x, step);
  return largest(step) <= limits_.step * largest(at_.x);
}

double Minimizer::gradient_size(const Problem& problem) const {
  const auto size = [&](In left) { return limits_.euclidean ? norm(left) : largest(left); };
  if (!problem.bounded()) {
    return size(at_.gradient);
  }
  Vector left(at_.x.size());  // what bounds leave of it: x - P(x - g)
  move(at_.x, -1, at_.gradient, left);
  problem.project(left);
  move(at_.x, -1, left, left);
  return size(left);
}

std::vector<Slot> Minimizer::slots() {
  std::vector<Slot> all{{"x", at_.x}, {"gradient", at_.gradient}, {"value", {&at_.value, 1}}};
  const auto add_all = [&](const std::string& part, const std::vector<Slot>& slots) {
    for (const Slot& slot : slots) {
      all.push_back(slot);
      all.back().name.insert(0, part);
    }
  };
  add_all("direction/", direction_->slots());
  add_all("search/", search_->slots());
  return all;
}

}  // namespace fastopt::solvers
