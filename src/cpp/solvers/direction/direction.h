// Which way to go from a point, and how far a model of the function holds.
#pragma once

#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "solvers/problem.h"

namespace fastopt::solvers {

// What a method remembers, by name: with it, a run that stopped goes on to the bit.
struct Slot {
  Slot(std::string of, Out kept) : name(std::move(of)), values(kept) {}
  Slot(std::string of, std::span<float> kept) : name(std::move(of)), values(kept) {}

  std::string name;
  std::variant<Out, std::span<float>> values;
};

class Direction {
 public:
  virtual ~Direction() = default;
  Direction() = default;
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;

  virtual void start(Index) {}
  // Calls of the problem may throw: until `moved` all stays as it was, but for `restart`.
  // For searches along lines. Should fall; where it does not, the method is restarted.
  virtual void find(Problem&, const Point&, Out) { throw std::logic_error("no direction without a trust region"); }
  // For searches within a radius: the step of the best model within it. Returns the decrease that the model predicts.
  virtual double within(Problem&, const Point&, double, Out) { throw std::logic_error("no step within a radius"); }
  virtual void moved(const Point&, const Point&) {}
  virtual void restart() {}
  // The function is another from here on.
  virtual void changed() {}
  // Whether a step of 1 along the direction is the one to try first; and if not, the longest to try first.
  virtual bool has_length() const { return false; }
  virtual double longest() const { return std::numeric_limits<double>::infinity(); }
  // Lengths of steps are measured as |D step|; empty without D.
  virtual In scale() const { return {}; }
  virtual std::vector<Slot> slots() { return {}; }
};

}  // namespace fastopt::solvers
