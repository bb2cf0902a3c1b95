// A function to be minimized, and what methods may ask of it.
#pragma once

#include "solvers/vector.h"

namespace fastopt::solvers {

// A point, with the function and its gradient there.
struct Point {
  Vector x, gradient;
  double value = 0;
};

// Calls may throw; a value that is not finite means that the point is out of bounds. What a method does not need of
// its problem is never asked for.
class Problem {
 public:
  virtual ~Problem() = default;
  Problem() = default;
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  virtual Index size() const = 0;
  virtual double value(In x) = 0;
  // Returns the value as well.
  virtual double differentiate(In x, Out gradient) = 0;
  // Where the value is known.
  virtual void gradient(In x, Out to) { differentiate(x, to); }
  // [n, n], symmetric.
  virtual void hessian(In x, Out matrix) = 0;
  virtual void multiply_hessian(In x, In v, Out product) = 0;
  // The function is half the sum of the squares of m residuals, whose Jacobian is [m, n].
  virtual void residuals(In x, Vector& r, Vector& jacobian) = 0;
  // As `Look`, during what a method computes between these calls.
  virtual void look(double) {}
  // Moves x to the closest point that can be represented and lies within bounds.
  virtual void project(Out) const {}
  virtual bool bounded() const { return false; }
};

}  // namespace fastopt::solvers
