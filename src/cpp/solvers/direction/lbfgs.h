// L-BFGS: BFGS from the last m steps alone. Of M = gamma I changed by them, -M g is a sum of the steps s, the
// differences y and g: the recursion of two loops (Nocedal, Mathematics of Computation 35 (1980)) runs on the products
// of these vectors. Those with a new y are differences of those with the gradients, so that an iteration reads each
// vector twice: for its product with the new gradient, and for the direction. Steps and differences are kept as T; all
// sums and products are in double precision.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/vector/args.h"
#include "runtime/cpu.h"
#include "solvers/direction/direction.h"

namespace fastopt::solvers {

template <class T>
class Lbfgs final : public Direction {
 public:
  // gamma is 1 or, scaled, y's/y'y of the last step.
  Lbfgs(Index memory, bool scaled) : places_(static_cast<std::size_t>(memory) + 1), scaled_(scaled) {}

  void start(Index size) override {
    size_ = size;
    vectors_.assign(2 * places_ * static_cast<std::size_t>(size), T{0});
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
      multiply_rows(at.gradient);
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
    Vector factors;
    for (std::size_t back = 1; back <= kept(); ++back) {
      factors.insert(factors.end(), {-a[place(back)], -b[place(back)]});
    }
    const std::vector<const T*> rows = kept_rows();
    const double* const gradient = at.gradient.data();
    const double of_gradient = -c_g;
    for_parts(size_, reading(rows) + 2, [&](Range part) {
      kernels<double>().vector.combine(nullptr, &gradient, &of_gradient, 1, part, d.data());
      kernels<T>().vector.combine(d.data(), rows.data(), factors.data(), std::ssize(rows), part, d.data());
    });
  }

  void moved(const Point& from, const Point& to) override {
    if (known_ == 0) {
      multiply_rows(from.gradient);
    }
    const Vector before = with_gradient_;
    // The place that is free: the pair counts once it is known that it may be used.
    const std::size_t i = static_cast<std::size_t>(pairs_) % places_;
    T *const s = row(i), *const y = row(places_ + i);
    std::vector<const T*> rows = kept_rows();
    rows.insert(rows.end(), {s, y});
    Vector found(rows.size() + 2);
    sum_over_parts(size_, reading(rows) + 4, found, [&](Range part, double* sums) {
      const auto& kernel = kernels<T>().vector;
      kernel.subtract(to.x.data(), from.x.data(), part, s);
      kernel.subtract(to.gradient.data(), from.gradient.data(), part, y);
      for (const T* const each : rows) {
        *sums++ = kernel.dot(each + part.begin, to.gradient.data() + part.begin, part.size());
      }
      for (const T* const each : {s, y}) {
        *sums++ = kernel.dot_rows(each + part.begin, y + part.begin, part.size());
      }
    });
    set_products(found);
    known_ = 1;
    const std::size_t own = 2 * kept();
    const double s_g = found[own], y_g = found[own + 1], curvature = found[own + 2], squared = found[own + 3];
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
    return {{"vectors", std::span(vectors_)},
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
  T* row(std::size_t i) { return vectors_.data() + static_cast<Index>(i) * size_; }
  // Of the pairs that are kept: s, y, s, y, ...
  std::vector<const T*> kept_rows() {
    std::vector<const T*> rows;
    for (std::size_t back = 1; back <= kept(); ++back) {
      rows.insert(rows.end(), {row(place(back)), row(places_ + place(back))});
    }
    return rows;
  }
  // s_i'y_j for a step i that is not newer than j.
  double& step_difference(std::size_t i, std::size_t j) { return step_difference_[i * places_ + j]; }
  double& difference_difference(std::size_t i, std::size_t j) { return difference_difference_[i * places_ + j]; }
  // What rows cost to read, as vectors of doubles.
  static Index reading(const std::vector<const T*>& rows) {
    return std::ssize(rows) * static_cast<Index>(sizeof(T)) / static_cast<Index>(sizeof(double));
  }
  void multiply_rows(const Vector& gradient) {
    const std::vector<const T*> rows = kept_rows();
    Vector found(rows.size());
    sum_over_parts(size_, reading(rows), found, [&](Range part, double* sums) {
      for (const T* const each : rows) {
        *sums++ = kernels<T>().vector.dot(each + part.begin, gradient.data() + part.begin, part.size());
      }
    });
    set_products(found);
  }
  void set_products(In found) {
    for (std::size_t back = 1; back <= kept(); ++back) {
      with_gradient_[place(back)] = found[2 * back - 2];
      with_gradient_[places_ + place(back)] = found[2 * back - 1];
    }
  }

  std::size_t places_;
  Index size_ = 0;
  bool scaled_;
  std::vector<T> vectors_;
  Vector step_difference_, difference_difference_, with_gradient_;
  double known_ = 0, pairs_ = 0;  // whether the products are with the gradient of the point; all pairs so far
};

}  // namespace fastopt::solvers
