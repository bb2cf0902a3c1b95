// A team of threads that runs one function together (SPMD), and how many threads to use.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/types.h"

namespace fastopt {

inline constexpr int max_threads = 1024;

// One thread where the work is too small to share: a step of 10 us on AVX2, 4 us on AVX-512. Measured on virtual
// machines, where the other thread may come late: a step of 17 us by one thread takes 17 to 31 us by two, one of 41 us
// 31 to 41.
inline constexpr double operations_worth_a_thread = 1e6;

// What an element costs that is read, computed and written in cache, in the time of such operations: measured from 20
// (ReLU) to 70 (GELU); and one that is only read.
inline constexpr double elementwise_cost = 20, reading_cost = 10;

class Team {
 public:
  class Barrier;

  Team(int rank, int size, Barrier* barrier) : rank_(rank), size_(size), barrier_(barrier) {}

  int rank() const { return rank_; }
  int size() const { return size_; }
  void barrier() const;

  // For rank 0: the others come so late, because other processes hold their processors, that one thread would be
  // faster.
  bool contended() const;

  // This rank's contiguous share of 0..count-1, cut at multiples of `grain`. Rank 0 has some wherever there are any.
  Range split(Index count, Index grain = 1) const { return share(count, grain, rank_, size_); }

  static Range share(Index count, Index grain, int rank, int size) {
    const Index units = (count + grain - 1) / grain;
    const Index begin = (units * rank + size - 1) / size * grain, end = (units * (rank + 1) + size - 1) / size * grain;
    return {begin < count ? begin : count, end < count ? end : count};
  }

 private:
  int rank_, size_;
  Barrier* barrier_;
};

// Runs work(team) on `threads` threads, the calling one being rank 0. Denormal results are flushed to zero inside when
// `flush` is set, and the caller's mode is restored. `work` must not throw.
void run_team(int threads, bool flush, const std::function<void(const Team&)>& work);

// Splits 0..count-1 over as many threads as are worth it; `cost` as below.
void parallel_for(Index count, Index grain, double cost, const std::function<void(Range)>& work);

// How many threads pay for work of this cost, in the time of an operation of a product, between a few barriers: one
// where the work is small or, unless the number was set, where teams had to wait of late for processors that others
// use. No more than there are shares to cut it into. Results do not depend on it.
int threads_for(double cost, Index shares = max_threads);

int num_threads();
// Also tries again to start as many, where that failed before.
void set_num_threads(int count);
// Bounds the number for what the calling thread does from now on.
void limit_threads(int count);

// Called, by any thread, where the system lets so many threads be started, fewer than wanted; the process then goes on
// with no more.
using ThreadShortage = void (*)(int wanted, int started);
void report_shortage(ThreadShortage report);

// What bounds the number of threads, by name; an unset limit has no value.
std::vector<std::pair<std::string, std::optional<int>>> thread_limits();

std::string openmp_version();

}  // namespace fastopt
