// How far to go: from a point to the next one.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class Search {
 public:
  virtual ~Search() = default;
  Search() = default;
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  virtual void start() {}
  // The function is another from here on.
  virtual void changed() {}
  // False where no better point is found; then `to` is of no use.
  virtual bool advance(Problem& problem, Direction& direction, const Point& from, Point& to) = 0;
  virtual std::vector<Slot> slots() { return {{"length", {&length_, 1}}}; }

 protected:
  double length_ = 0;  // of the last step: a factor of the direction, or the radius
};

// The function along a line, phi(a) = f(x + a d).
class Line {
 public:
  Line(Problem& problem, const Point& from, In d, Point& to) : problem_(problem), from_(from), d_(d), to_(to) {}

  struct Sample {
    double step, value, slope;
    bool finite() const { return std::isfinite(value) && std::isfinite(slope); }
  };

  // `to` becomes the point.
  Sample at(double step) {
    go(step);
    to_.value = problem_.differentiate(to_.x, to_.gradient);
    slope_ = dot(to_.gradient, d_);
    return {step, to_.value, slope_};
  }
  double value_at(double step) {
    go(step);
    return to_.value = problem_.value(to_.x);
  }
  void differentiate() {
    problem_.gradient(to_.x, to_.gradient);
    slope_ = dot(to_.gradient, d_);
  }
  // At the last point that was differentiated.
  double slope() const { return slope_; }

 private:
  void go(double step) {
    move(from_.x, step, d_, to_.x);
    problem_.project(to_.x);
  }

  Problem& problem_;
  const Point& from_;
  In d_;
  Point& to_;
  double slope_ = 0;
};

class LineSearch : public Search {
 public:
  void start() override { last_ = {}; }
  void changed() override { start(); }

  bool advance(Problem& problem, Direction& direction, const Point& from, Point& to) override {
    const std::size_t n = from.x.size();
    d_.resize(n);
    to.x.resize(n);
    to.gradient.resize(n);
    // Again along -g where what the method knows is of no use.
    for (const bool anew : {false, true}) {
      if (anew) {
        direction.restart();
        last_ = {};
      }
      direction.find(problem, from, d_);
      Line line(problem, from, d_, to);
      const double *const rows[] = {from.gradient.data(), d_.data()}, *const column = d_.data();
      double along[2];  // g'd and d'd
      products(rows, {&column, 1}, static_cast<Index>(n), along);
      const auto [slope, square] = along;
      const Line::Sample start{0, from.value, slope};
      if (slope < 0 || falls_in_any_case()) {
        length_ = find(line, start, first_step(direction, from, slope, square));
        if (length_ > 0) {
          last_ = {.value = from.value,
                   .decrease = length_ * slope,
                   .curvature = (line.slope() - slope) / (length_ * square)};
          return true;
        }
      }
    }
    return false;
  }
  std::vector<Slot> slots() override {
    return {{"length", {&length_, 1}},
            {"value", {&last_.value, 1}},
            {"decrease", {&last_.decrease, 1}},
            {"curvature", {&last_.curvature, 1}}};
  }

 protected:
  // Returns the step to the point that it leaves in `to`; 0 where there is none.
  virtual double find(Line& line, const Line::Sample& start, double first) = 0;
  virtual bool falls_in_any_case() const { return false; }

 private:
  // Where a direction has no length of its own, the mean of three steps: as far as would repeat the last decrease were
  // the function a parabola (Nocedal and Wright, 3.60), or were it a plane (there too), and to the minimum of a
  // parabola curved as along the last direction. At first a step of length 1 or, where that is shorter, -g.
  double first_step(const Direction& direction, const Point& from, double slope, double square) const {
    if (direction.has_length()) {
      return 1;
    }
    const double again = 2.02 * (from.value - last_.value) / slope, plane = last_.decrease / slope,
                 parabola = -slope / (last_.curvature * square), mean = std::cbrt(again * plane * parabola);
    for (const double step : {mean, again}) {
      if (std::isfinite(step) && step > 0) {
        return std::min(direction.longest(), step);
      }
    }
    return std::min(1.0, 1 / norm(from.gradient));
  }
  // What is known of the last line: the value where it began, a phi'(0), and the mean of d'H d / d'd.
  struct Last {
    double value = std::numeric_limits<double>::infinity(), decrease = 0, curvature = 0;
  };
  Last last_;
  Vector d_;
};

}  // namespace fastopt::solvers
