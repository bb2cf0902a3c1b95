// All samples in chunks: how many rows they have, and the sum of what the chunks give.
#pragma once

#include <algorithm>
#include <span>

#include "nn/network.h"

namespace fastopt {

// Adds each part to the sums while it is in cache.
template <class T>
class AccumulateSink final : public Sink<T> {
 public:
  AccumulateSink(T* gradients, std::span<double> sums, Watch& watch, double cost)
      : Sink<T>(gradients), sums_(sums), store_(gradients, watch, cost) {}

  void take(const Team& team, Range part) override {
    for (Index i = part.begin; i < part.end; ++i) {
      sums_[static_cast<std::size_t>(i)] += static_cast<double>(this->gradients()[i]);
    }
    store_.take(team, part);
  }
  bool stopped() const override { return store_.stopped(); }

 private:
  std::span<double> sums_;
  StoreSink<T> store_;
};

// Rows of a chunk: what they read and keep stays in the caches until the gradient has read it again, yet they are so
// many that adding to the sums costs little beside them.
template <class T>
Index chunk_rows(const Plan<T>& plan) {
  Index bytes = 1;
  for (const Node<T>& node : plan.nodes) {
    bytes += 2 * padded_stride<T>(node.layer.outputs) * static_cast<Index>(sizeof(T)) + node.layer.saved;
  }
  return std::clamp((Index{1} << 21) / bytes, Index{512}, Index{4096});
}

}  // namespace fastopt
