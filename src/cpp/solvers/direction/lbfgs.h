// L-BFGS: BFGS from the last m steps alone. Of M = gamma I changed by them, -M g is a sum of the steps s, the
// differences y and g: the recursion of two loops (Nocedal, Mathematics of Computation 35 (1980)) runs on the products
// of these vectors. Those with a new y are differences of those with the gradients, so that an iteration reads each
// vector twice: for its product with the new gradient, and for the direction.
#pragma once

#include <algorithm>
#include <cmath>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class Lbfgs final : public Direction {
 public:
  // gamma is 1 or, scaled, y's/y'y of the last step.
  Lbfgs(Index memory, bool scaled) : places_(static_cast<std::size_t>(memory) + 1), scaled_(scaled) {}

  void start(Index size) override {
    size_ = static_cast<std::size_t>(size);
    vectors_.assign(2 * places_ * size_, 0.0);
    step_difference_.assign(places_ * places_, 0.0);
    difference_difference_ = step_difference_;
    with_gradient_.assign(2 * places_, 0.0);
    restart();
  }
  void restart() override { pairs_ = 0; }
  void changed() override { known_ = 0; }
  bool has_length() const override { return pairs_ > 0; }

  void find(Problem&, const Point& at, Out d) override {
    if (known_ == 0) {
      multiply_rows(at.gradient, with_gradient_);
    }
    // q = g is c_g g and the sums of a_j s_j and b_j y_j throughout.
    Vector a(places_, 0.0), b(places_, 0.0), alpha(places_);
    double c_g = 1;
    for (std::size_t back = 1; back <= kept(); ++back) {
      const std::size_t i = place(back);
      double along = with_gradient_[i];
      for (std::size_t newer = 1; newer < back; ++newer) {
        along += b[place(newer)] * step_difference(i, place(newer));
      }
      alpha[i] = along / step_difference(i, i);
      b[i] = -alpha[i];
    }
    if (scaled_ && kept() > 0) {
      const std::size_t last = place(1);
      c_g = step_difference(last, last) / difference_difference(last, last);
      for (double& factor : b) {
        factor *= c_g;
      }
    }
    for (std::size_t back = kept(); back >= 1; --back) {
      const std::size_t i = place(back);
      double along = c_g * with_gradient_[places_ + i];
      for (std::size_t other = 1; other <= kept(); ++other) {
        along += b[place(other)] * difference_difference(i, place(other));
      }
      for (std::size_t older = back + 1; older <= kept(); ++older) {
        along += a[place(older)] * step_difference(place(older), i);
      }
      a[i] = alpha[i] - along / step_difference(i, i);
    }
    std::vector<const double*> rows;
    Vector factors;
    for (std::size_t back = 1; back <= kept(); ++back) {
      const std::size_t i = place(back);
      rows.insert(rows.end(), {row(i).data(), row(places_ + i).data()});
      factors.insert(factors.end(), {-a[i], -b[i]});
    }
    for (std::size_t i = 0; i < size_; ++i) {
      d[i] = -c_g * at.gradient[i];
    }
    combine(rows, factors, d);
  }

  void moved(const Point& from, const Point& to) override {
    if (known_ == 0) {
      multiply_rows(from.gradient, with_gradient_);
    }
    const Vector before = with_gradient_;
    // The place that is free: the pair counts once it is known that it may be used.
    const std::size_t i = static_cast<std::size_t>(pairs_) % places_;
    const Out s = row(i), y = row(places_ + i);
    for (std::size_t k = 0; k < size_; ++k) {
      s[k] = to.x[k] - from.x[k];
      y[k] = to.gradient[k] - from.gradient[k];
    }
    multiply_rows(to.gradient, with_gradient_);
    known_ = 1;
    const double *const rows[] = {s.data(), y.data()}, *const columns[] = {y.data(), to.gradient.data()};
    double p[4];
    products(rows, columns, static_cast<Index>(size_), p);
    const auto [curvature, s_g, squared, y_g] = p;
    if (!(curvature > 1e-16 * squared) || !std::isfinite(squared / curvature)) {
      return;
    }
    for (std::size_t back = 1; back <= kept(); ++back) {
      const std::size_t j = place(back);
      step_difference(j, i) = with_gradient_[j] - before[j];
      difference_difference(j, i) = difference_difference(i, j) = with_gradient_[places_ + j] - before[places_ + j];
    }
    step_difference(i, i) = curvature;
    difference_difference(i, i) = squared;
    with_gradient_[i] = s_g;
    with_gradient_[places_ + i] = y_g;
    ++pairs_;
  }
  std::vector<Slot> slots() override {
    return {{"vectors", vectors_},
            {"step_difference", step_difference_},
            {"difference_difference", difference_difference_},
            {"with_gradient", with_gradient_},
            {"known", {&known_, 1}},
            {"pairs", {&pairs_, 1}}};
  }

 private:
  std::size_t kept() const { return std::min(static_cast<std::size_t>(pairs_), places_ - 1); }
  // Of the last pair but `back` - 1.
  std::size_t place(std::size_t back) const { return (static_cast<std::size_t>(pairs_) - back) % places_; }
  // The steps, and after them the differences.
  Out row(std::size_t i) { return Out(vectors_).subspan(i * size_, size_); }
  // s_i'y_j for a step i that is not newer than j.
  double& step_difference(std::size_t i, std::size_t j) { return step_difference_[i * places_ + j]; }
  double& difference_difference(std::size_t i, std::size_t j) { return difference_difference_[i * places_ + j]; }
  // Those of the pairs that are kept.
  void multiply_rows(In gradient, Vector& to) {
    std::vector<const double*> rows;
    for (std::size_t back = 1; back <= kept(); ++back) {
      rows.insert(rows.end(), {row(place(back)).data(), row(places_ + place(back)).data()});
    }
    const double* const g = gradient.data();
    Vector found(rows.size());
    products(rows, {&g, 1}, static_cast<Index>(size_), found);
    for (std::size_t back = 1; back <= kept(); ++back) {
      to[place(back)] = found[2 * back - 2];
      to[places_ + place(back)] = found[2 * back - 1];
    }
  }

  std::size_t places_, size_ = 0;
  bool scaled_;
  Vector vectors_, step_difference_, difference_difference_, with_gradient_;
  double known_ = 0, pairs_ = 0;  // whether the products are with the gradient of the point; all pairs so far
};

}  // namespace fastopt::solvers
