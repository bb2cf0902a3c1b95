// A batch that is cut into shards, of which this process has some and other processes have the rest. What is summed
// over the batch is summed over each shard first, and then in an order that no number of processes changes.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/types.h"

namespace fastopt {

struct Shards {
  std::span<const Index> rows;  // of each shard of the batch, at least one
  Index first, count;           // the shards of this process
  bool joins;                   // whether layers that measure all rows measure those of all processes

  Index all() const { return sum(0, std::ssize(rows)); }
  Index here() const { return sum(first, first + count); }
  Index before() const { return sum(0, first); }
  // The rows of a shard of this process, counted from the first row that it has.
  Range of(Index shard) const { return {sum(first, first + shard), sum(first, first + shard + 1)}; }

 private:
  Index sum(Index begin, Index end) const {
    return std::accumulate(rows.begin() + begin, rows.begin() + end, Index{0});
  }
};

// What all processes read and write, where they are on one machine.
template <class T>
struct Common {
  T* parameters;
  std::vector<std::pair<Range, T*>> sums;  // of all blocks of shards, in their order
};

// What processes tell each other, each the same in the same order. For rank 0 of the team; false ends the run, in all
// of them at the same place. Must not throw.
template <class T>
struct Exchange {
  // Fills in the numbers of the shards of other processes; `values` has `size` of them for each shard of the batch.
  std::function<bool(T* values, Index size)> gather;
  // The same of what is added to the totals; this process wants to stop, or not.
  std::function<bool(double* values, Index size, bool stops)> agree;
  // Finds the total of all shards from the sums of the blocks of them that this process has, one after the other: its
  // own part of the total at least.
  std::function<bool(T* sums, Index blocks, Index size, T* total)> unite;
  std::function<bool(double* sums, Index blocks, Index size, double* total)> unite_doubles;  // and all others
  // Fills in the parts of other processes.
  std::function<bool(T* values, Index size)> spread;
  // Waits until all processes are about to do the same, unless one of them, perhaps this one, stops; Ctrl-C ends the
  // run here or where they meet next.
  std::function<bool(const char* what, bool stops, bool interruptible)> meet;
  Range own = {0, 0};  // of the total of a gradient
  T* sums = nullptr;   // where others read the sums of blocks of gradients; or anywhere
  std::optional<Common<T>> common;
};

// Blocks of shards whose sums are known: of 2^k shards, that begin at a multiple of 2^k. Two that are the halves of
// another are added.
class Blocks {
 public:
  // Takes the next shard: true where it is to be added to the last sum, else it is one of its own.
  bool push(Index shard) {
    blocks_.push_back({shard, shard + 1});
    return blocks_.size() > 1 && blocks_[blocks_.size() - 2].size() == 1 && join();
  }
  // Takes the next block, whose sum is one of its own.
  void push(Range block) { blocks_.push_back(block); }
  // True where the last sum is to be added to the one before it.
  bool join() {
    if (blocks_.size() < 2) {
      return false;
    }
    Range& left = blocks_[blocks_.size() - 2];
    const Range right = blocks_.back();
    if (left.size() != right.size() || left.begin % (2 * left.size()) != 0) {
      return false;
    }
    left.end = right.end;
    blocks_.pop_back();
    return true;
  }
  Index count() const { return std::ssize(blocks_); }

  // How many sums there are at most, on the way through some shards.
  static Index most(Index first, Index count) {
    Blocks blocks;
    Index most = 0;
    for (Index i = 0; i < count; ++i) {
      blocks.push(first + i);
      most = std::max(most, blocks.count());
      while (blocks.join()) {
      }
    }
    return most;
  }

 private:
  std::vector<Range> blocks_;
};

}  // namespace fastopt
