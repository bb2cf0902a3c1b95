// Where the parts of a gradient go, each while it is in cache.
#pragma once

#include <algorithm>

#include "core/types.h"
#include "runtime/team.h"
#include "runtime/watch.h"

namespace fastopt {

template <class T>
class Sink {
 public:
  explicit Sink(T* gradients) : gradients_(gradients) {}
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // Where the parts are computed, laid out as the parameters.
  T* gradients() const { return gradients_; }
  // Called once for each part of each trained tensor, by the rank that has computed it.
  virtual void take(const Team& team, Range part) = 0;
  // The same of a part that was computed elsewhere.
  virtual void take_from(const Team& team, Range part, const T* gradient) {
    std::copy_n(gradient, part.size(), gradients_ + part.begin);
    take(team, part);
  }
  // Whether rows of a tensor may be left out, whose elements then stay as they are.
  virtual bool by_rows() const { return false; }
  // Whether the rest is of no use. Ranks may see it at different places.
  virtual bool stopped() const { return false; }

 private:
  T* gradients_;
};

// Leaves the gradient where it was computed.
template <class T>
class StoreSink final : public Sink<T> {
 public:
  // An element of the gradient takes so many operations.
  StoreSink(T* gradients, Watch& watch, double cost) : Sink<T>(gradients), watch_(watch), cost_(cost) {}

  void take(const Team& team, Range part) override {
    if (team.rank() == 0) {
      watch_.look(cost_ * static_cast<double>(part.size()), 0);
    }
  }
  bool stopped() const override { return watch_.stopped(); }

 private:
  Watch& watch_;
  double cost_;
};

}  // namespace fastopt
