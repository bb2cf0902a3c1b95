// A number that one thread counts with while others may look at it.
#pragma once

#include <atomic>
#include <cstdint>

namespace fastopt {

class Counter {
 public:
  Counter(std::int64_t value = 0) : value_(value) {}
  Counter(const Counter& other) : value_(other.value()) {}
  Counter& operator=(const Counter& other) { return *this = other.value(); }
  Counter& operator=(std::int64_t value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  ~Counter() = default;

  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }
  operator std::int64_t() const { return value(); }

  Counter& operator+=(std::int64_t more) { return *this = value() + more; }
  Counter& operator++() { return *this += 1; }

 private:
  std::atomic<std::int64_t> value_;
};

}  // namespace fastopt
