// L-BFGS: BFGS from the last m steps alone. Of M = gamma I changed by them, -M g is a sum of the steps s, the
// differences y and g: the recursion of two loops (Nocedal, Mathematics of Computation 35 (1980)) runs on the products
// of these vectors, which are kept, so that each vector is read twice for a direction.
#pragma once

#include <algorithm>
#include <cmath>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class Lbfgs final : public Direction {
 public:
  // gamma is 1 or, scaled, y's/y'y of the last step.
  Lbfgs(Index memory, bool scaled) : memory_(static_cast<std::size_t>(memory)), scaled_(scaled) {}

  void start(Index size) override {
    size_ = static_cast<std::size_t>(size);
    vectors_.assign(2 * memory_ * size_, 0.0);
    inner_.assign(4 * memory_ * memory_, 0.0);
    restart();
  }
  void restart() override { pairs_ = 0; }
  bool has_length() const override { return pairs_ > 0; }

  void find(Problem&, const Point& at, Out d) override {
    const auto kept = static_cast<std::size_t>(std::min(pairs_, static_cast<double>(memory_)));
    const std::vector<const double*> rows = all_rows();
    Vector with_g(rows.size());
    const double* const g = at.gradient.data();
    products(rows, {&g, 1}, static_cast<Index>(size_), with_g);
    // q = g is the sum of c_j rows_j and c_g g throughout.
    Vector c(rows.size(), 0.0), alpha(memory_);
    double c_g = 1;
    const auto times = [&](std::size_t row) {
      double sum = c_g * with_g[row];
      for (std::size_t j = 0; j < rows.size(); ++j) {
        sum += c[j] * product(row, j);
      }
      return sum;
    };
    const auto newest = static_cast<std::size_t>(pairs_);
    for (std::size_t back = 1; back <= kept; ++back) {
      const std::size_t i = (newest - back) % memory_;
      alpha[i] = times(i) / product(i, memory_ + i);
      c[memory_ + i] -= alpha[i];
    }
    if (scaled_ && kept > 0) {
      const std::size_t last = (newest - 1) % memory_;
      const double gamma = product(last, memory_ + last) / product(memory_ + last, memory_ + last);
      for (double& factor : c) {
        factor *= gamma;
      }
      c_g *= gamma;
    }
    for (std::size_t back = kept; back >= 1; --back) {
      const std::size_t i = (newest - back) % memory_;
      c[i] += alpha[i] - times(memory_ + i) / product(i, memory_ + i);
    }
    for (double& factor : c) {
      factor = -factor;
    }
    for (std::size_t i = 0; i < size_; ++i) {
      d[i] = -c_g * at.gradient[i];
    }
    combine(rows, c, d);
  }

  void moved(const Point& from, const Point& to) override {
    const std::size_t i = static_cast<std::size_t>(pairs_) % memory_;
    const Out s = row(i), y = row(memory_ + i);
    // Kept apart until it is known that they may be used.
    spare_.resize(2 * size_);
    const Out new_s = Out(spare_).first(size_), new_y = Out(spare_).last(size_);
    for (std::size_t k = 0; k < size_; ++k) {
      new_s[k] = to.x[k] - from.x[k];
      new_y[k] = to.gradient[k] - from.gradient[k];
    }
    const double curvature = dot(new_s, new_y), squared = dot(new_y, new_y);
    if (!(curvature > 1e-16 * squared) || !std::isfinite(squared / curvature)) {
      return;
    }
    std::ranges::copy(new_s, s.begin());
    std::ranges::copy(new_y, y.begin());
    ++pairs_;
    const std::vector<const double*> rows = all_rows();
    const double* const changed[] = {s.data(), y.data()};
    Vector with(2 * rows.size());
    products(rows, changed, static_cast<Index>(size_), with);
    for (std::size_t j = 0; j < rows.size(); ++j) {
      product(i, j) = product(j, i) = with[2 * j];
      product(memory_ + i, j) = product(j, memory_ + i) = with[2 * j + 1];
    }
  }
  std::vector<Slot> slots() override { return {{"vectors", vectors_}, {"products", inner_}, {"pairs", {&pairs_, 1}}}; }

 private:
  // The steps, and after them the differences; what does not yet exist is zero.
  Out row(std::size_t i) { return Out(vectors_).subspan(i * size_, size_); }
  double& product(std::size_t i, std::size_t j) { return inner_[i * 2 * memory_ + j]; }
  std::vector<const double*> all_rows() {
    std::vector<const double*> rows;
    rows.reserve(2 * memory_);
    for (std::size_t i = 0; i < 2 * memory_; ++i) {
      rows.push_back(row(i).data());
    }
    return rows;
  }

  std::size_t memory_, size_ = 0;
  bool scaled_;
  Vector vectors_, inner_, spare_;
  double pairs_ = 0;
};

}  // namespace fastopt::solvers
