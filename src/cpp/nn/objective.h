// What the outputs of a network are judged by: a loss and metrics for each.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/loss/args.h"
#include "nn/arena.h"
#include "nn/input.h"
#include "ops/loss.h"
#include "ops/metric.h"

namespace fastopt {

// What the caller is asked of a batch whose outputs are known: the losses and metrics of its rows and, where it is
// wanted, the gradient of the outputs, of sum(weight * factor * loss) / samples.
template <class T>
struct Question {
  const Batch& batch;
  Index samples;  // the rows of the batch, or of all batches whose gradients are added
  Index columns;
  Rows<const T> outputs;  // of the last activation
  Rows<T> gradient;       // null: not wanted
  T* loss;
  std::span<T* const> metrics;
};

// A loss that the caller computes. Called by one thread while the others wait; false stops the run. Must not throw.
template <class T>
using Ask = std::function<bool(const Question<T>&)>;

// The loss of one output, of which the objective takes `factor` times, and its metrics; targets are those of all
// samples.
template <class T>
struct Goal {
  int loss = -1;
  LossHyper hyper = {};
  double factor = 1;
  std::vector<MetricChoice> metrics = {};
  const Index* labels = nullptr;
  const T* dense = nullptr;
  Ask<T> ask = {};      // instead of `loss`; then only the number of `metrics` counts
  bool logits = false;  // it takes the output before its activation; `check` finds out
};

template <class T>
struct Objective {
  std::vector<Goal<T>> goals;  // of each output
  const T* weight = nullptr;   // of each sample
  // Nodes whose values a loss takes before their activation, and others after it; `check` finds out.
  std::vector<Index> splits = {};

  std::vector<std::size_t> metrics() const;  // their number, of each output
  bool asks() const;                         // whether the caller computes one of the losses
  bool splits_at(Index node) const;
};

// Sums over samples, weighted.
struct Totals {
  Index batches = 0, samples = 0;
  double weight = 0, loss = 0;
  std::vector<double> losses, metrics;  // of each output, without its factor; of all outputs, one after the other

  // Nothing is allocated in a batch.
  template <class T>
  void reserve(const Objective<T>& objective) {
    losses.resize(objective.goals.size());
    std::size_t count = 0;
    for (const Goal<T>& goal : objective.goals) {
      count += goal.metrics.size();
    }
    metrics.resize(count);
  }
};

// Throws std::invalid_argument where the last activations, the losses and the metrics do not go together.
template <class T>
void check(const Plan<T>& plan, Objective<T>& objective);

// Asks the caller for what it computes of a batch; false: the run is to stop.
template <class T>
bool ask(const Plan<T>& plan, Memory<T>& memory, const Objective<T>& objective, const Batch& batch, bool backward,
         Index samples);

// Losses and metrics of some rows of a batch whose outputs are known and, where the pass goes back, the gradients of
// the outputs, of sum(weight * factor * loss) / samples; with derivatives along a direction, that of this gradient as
// well, and, `linearized`, 0 for the gradient itself.
template <class T>
void judge(const Plan<T>& plan, Memory<T>& memory, const Objective<T>& objective, const Batch& batch, Range rows,
           bool backward, Index samples, bool linearized);

// Adds what was found for the rows of a batch, of which the first is at this place in the arena; `penalty` is what
// layers cost, for all its rows.
template <class T>
void add(const Arena<T>& arena, const Batch& batch, const Objective<T>& objective, double penalty, Totals& totals,
         Index first = 0);

}  // namespace fastopt
