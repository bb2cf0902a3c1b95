// An update rule with its slots for a network's flat parameters, and the training loop.
#pragma once

#include <span>

#include "nn/network.h"

namespace fastopt {

// A hyperparameter of a run: one value for each batch, or one for all (stride 0).
struct HyperSeries {
  const double* values;
  Index stride;
};

enum class Outcome : std::uint8_t { finished, stopped, not_finite };

template <class T>
class Optimizer {
 public:
  Optimizer(int rule, Index size);

  int rule() const { return rule_; }
  std::vector<Buffer<T>>& slots() { return slots_; }

  // One update of the flat parameters; `hyper` in the rule's order.
  void apply(Network<T>& network, std::span<const double> hyper);

  struct Run {
    const Samples& x;
    const Objective<T>& objective;
    std::span<const HyperSeries> hyper;  // in the rule's order
    const Index* order;  // the samples of batch b are order[b * batch_size ...]; null: in their own order
    Index batch_size, first_batch, batches;
    const Poll& poll;
  };
  // On any outcome the parameters are those of the last whole step.
  Outcome train(Network<T>& network, const Run& run, Totals& totals);

  std::int64_t step = 0;

 private:
  void update(Network<T>& network, const Coefficients& coefficients, Range part);

  int rule_;
  std::vector<Buffer<T>> slots_;
};

}  // namespace fastopt
