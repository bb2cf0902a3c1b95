// The strong Wolfe conditions, phi(a) <= phi(0) + c1 a phi'(0) and |phi'(a)| <= -c2 phi'(0), by More and Thuente, ACM
// Transactions on Mathematical Software 20 (1994).
#pragma once

#include <numeric>

#include "solvers/search/search.h"

namespace fastopt::solvers {

class Wolfe final : public LineSearch {
 public:
  Wolfe(double c1, double c2, Index tries) : c1_(c1), c2_(c2), tries_(tries) {}

 private:
  using Sample = Line::Sample;

  double find(Line& line, const Sample& start, double first) override {
    // A minimizer lies between `best`, which has the least value so far, and `other`. At first they are those of
    // phi(a) - phi(0) - c1 a phi'(0), until that has fallen to zero with a rising slope.
    Sample best = start, other = start;
    bool bracketed = false, first_stage = true;
    double longest = std::numeric_limits<double>::infinity();
    double width = 0, width_before = 0;
    double step = first, low = 0, high = 5 * first;
    for (Index i = 0; i < tries_; ++i) {
      const Sample at = line.at(step);
      if (!at.finite()) {  // too far
        longest = step;
        high = std::min(high, step);
        step = best.step + (step - best.step) / 10;
        continue;
      }
      const double bound = start.value + c1_ * step * start.slope;
      if (sufficient(at, start, bound)) {
        return step;
      }
      if (first_stage && at.value <= bound && at.slope >= 0) {
        first_stage = false;
      }
      if (first_stage && at.value <= best.value && at.value > bound) {
        const double tilt = c1_ * start.slope;
        const auto tilted = [&](const Sample& s) { return Sample{s.step, s.value - s.step * tilt, s.slope - tilt}; };
        const auto back = [&](const Sample& s) { return Sample{s.step, s.value + s.step * tilt, s.slope + tilt}; };
        Sample b = tilted(best), o = tilted(other);
        step = next_step(b, o, tilted(at), bracketed, low, high);
        best = back(b);
        other = back(o);
      } else {
        step = next_step(best, other, at, bracketed, low, high);
      }
      if (bracketed) {
        const double size = std::abs(other.step - best.step);
        if (width_before > 0 && size >= 0.66 * width_before) {
          step = std::midpoint(best.step, other.step);
        }
        width_before = width;
        width = size;
        low = std::min(best.step, other.step);
        high = std::max(best.step, other.step);
        if (!(high - low > 1e-15 * high)) {
          break;
        }
      } else {
        low = step + 1.1 * (step - best.step);
        high = step + 4 * (step - best.step);
        if (!(high < longest)) {  // stays below what was too far
          high = longest;
          low = std::min(low, longest);
          step = std::min(step, std::midpoint(best.step, longest));
        }
      }
    }
    // What is left of rounding: the best point, where it is better at all.
    if (best.step > 0 && best.value < start.value) {
      const Sample again = line.at(best.step);
      return again.value < start.value ? best.step : 0;
    }
    return 0;
  }

  // Or, where the decrease is lost in rounding, what the slopes say of it: the approximate Wolfe conditions of Hager
  // and Zhang, SIAM Journal on Optimization 16 (2005).
  bool sufficient(const Sample& at, const Sample& start, double bound) const {
    const bool flat = std::abs(at.slope) <= -c2_ * start.slope;
    const bool close =
        at.value <= start.value + 1e-6 * std::abs(start.value) && at.slope <= (2 * c1_ - 1) * start.slope;
    return flat && (at.value <= bound || (close && std::abs(start.slope) * at.step <= 1e-6 * std::abs(start.value)));
  }

  // Updates the interval by a new sample, and returns the step to try next.
  static double next_step(Sample& best, Sample& other, const Sample& at, bool& bracketed, double low, double high) {
    const double away = at.step - best.step;
    const bool opposite = at.slope * std::copysign(1.0, best.slope) < 0;
    const double theta = 3 * (best.value - at.value) / away + best.slope + at.slope;
    const double scale = std::max({std::abs(theta), std::abs(best.slope), std::abs(at.slope)});
    const double square = (theta / scale) * (theta / scale) - best.slope / scale * (at.slope / scale);
    double next = 0;
    if (at.value > best.value) {
      // Higher: the minimizer is in between. The cubic's step, or the mean of it and the quadratic's if that is longer.
      const double gamma = std::copysign(scale * std::sqrt(std::max(0.0, square)), at.step < best.step ? -1.0 : 1.0);
      const double r = (gamma - best.slope + theta) / (2 * gamma - best.slope + at.slope);
      const double cubic = best.step + r * away;
      const double quadratic = best.step + best.slope / ((best.value - at.value) / away + best.slope) / 2 * away;
      next = std::abs(cubic - best.step) < std::abs(quadratic - best.step) ? cubic : std::midpoint(cubic, quadratic);
      bracketed = true;
    } else if (opposite) {
      // Lower, with slopes of opposite signs: in between. Of the cubic's step and the secant's the one farther from
      // `at`.
      const double gamma = std::copysign(scale * std::sqrt(std::max(0.0, square)), at.step > best.step ? -1.0 : 1.0);
      const double r = (gamma - at.slope + theta) / (2 * gamma - at.slope + best.slope);
      const double cubic = at.step - r * away;
      const double secant = at.step - at.slope / (at.slope - best.slope) * away;
      next = std::abs(cubic - at.step) > std::abs(secant - at.step) ? cubic : secant;
      bracketed = true;
    } else if (std::abs(at.slope) < std::abs(best.slope)) {
      // Lower and less steep: the cubic may have no minimizer, or one on the wrong side.
      const double gamma = std::copysign(scale * std::sqrt(std::max(0.0, square)), at.step > best.step ? -1.0 : 1.0);
      const double r = (gamma - at.slope + theta) / (gamma + best.slope - at.slope + gamma);
      const bool beyond = r < 0 && gamma != 0;
      const double cubic = beyond ? at.step - r * away : at.step > best.step ? high : low;
      const double secant = at.step - at.slope / (at.slope - best.slope) * away;
      const bool nearer = std::abs(cubic - at.step) < std::abs(secant - at.step);
      if (bracketed) {
        next = nearer ? cubic : secant;
        const double limit = at.step + 0.66 * (other.step - at.step);
        next = at.step > best.step ? std::min(limit, next) : std::max(limit, next);
      } else {
        next = std::clamp(nearer ? secant : cubic, std::min(low, high), std::max(low, high));
      }
    } else if (bracketed) {
      // Lower and as steep: towards the other end by its cubic.
      const double t = 3 * (at.value - other.value) / (other.step - at.step) + other.slope + at.slope;
      const double s = std::max({std::abs(t), std::abs(other.slope), std::abs(at.slope)});
      const double q = (t / s) * (t / s) - other.slope / s * (at.slope / s);
      const double gamma = std::copysign(s * std::sqrt(std::max(0.0, q)), at.step > other.step ? -1.0 : 1.0);
      const double r = (gamma - at.slope + t) / (2 * gamma - at.slope + other.slope);
      next = at.step + r * (other.step - at.step);
    } else {
      next = at.step > best.step ? high : low;
    }
    if (at.value > best.value) {
      other = at;
    } else {
      if (opposite) {
        other = best;
      }
      best = at;
    }
    return next;
  }

  double c1_, c2_;
  Index tries_;
};

}  // namespace fastopt::solvers
