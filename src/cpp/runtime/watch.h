// Asks the caller of a long run, twenty times a second, whether to go on.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "core/types.h"
#include "runtime/float_mode.h"

namespace fastopt {

// Told the number of batches done; false asks to stop. Must not throw.
using Poll = std::function<bool(Index)>;

class Watch {
 public:
  // Made outside the team: the poll is asked in the caller's floating-point mode.
  explicit Watch(const Poll& poll) : poll_(poll) {}

  // For rank 0, after `cost` arithmetic operations. The clock is read once in some 0.1 ms of work.
  void look(double cost, Index done) {
    unchecked_ += cost;
    if (unchecked_ < 1e6) {
      return;
    }
    unchecked_ = 0;
    const auto now = Clock::now();
    if (last_ == Clock::time_point()) {
      last_ = now;
    } else if (now - last_ > std::chrono::milliseconds(50)) {
      last_ = now;
      ask([&] { return poll_(done); });
    }
  }

  // For rank 0: f() in the caller's floating-point mode; false stops the run.
  template <class F>
  void ask(F&& f) {
    const FloatMode::Scope scope(callers_);
    if (!f()) {
      stopped_.store(true, std::memory_order_relaxed);
    }
  }

  // For any rank: the rest of the work will be thrown away.
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  const Poll& poll_;
  FloatMode callers_ = FloatMode::current();
  double unchecked_ = 0;
  Clock::time_point last_;  // none before the first look at the clock
  std::atomic<bool> stopped_{false};
};

}  // namespace fastopt
