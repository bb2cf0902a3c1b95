// An update rule with its slots, for bare arrays or for a network's flat parameters, and the training loop.
#pragma once

#include <span>

#include "nn/network.h"
#include "nn/updater.h"

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
  // What the updater's tensors lack, their slots, is made here.
  Optimizer(int rule, const std::vector<Extra>& extras, std::vector<Tensor<T>> tensors);

  Updater<T>& updater() { return updater_; }

  // The names of the slots, and those of a tensor in that order.
  const std::vector<std::string_view>& slot_names() const { return slot_names_; }
  std::vector<T*> slots(std::size_t tensor);
  const std::vector<Buffer<T>>& buffers() const { return slots_; }

  struct Run {
    const Samples& x;
    const Objective<T>& objective;
    std::span<const HyperSeries> hyper;  // in the updater's order
    const Index* order;  // the samples of batch b are order[b * batch_size ...]; null: in their own order
    Index batch_size, first_batch, batches;
    const Poll& poll;
  };
  // For the tensors of a network, in its order. On any outcome the parameters are those of the last whole step.
  Outcome train(Network<T>& network, const Run& run, Totals& totals);

 private:
  std::vector<std::string_view> slot_names_;
  std::vector<Buffer<T>> slots_;
  std::vector<Index> offsets_;  // of the tensors in the slots; in a network's flat buffers they are the same
  Updater<T> updater_;
};

// The tensors of a network.
template <class T>
std::vector<Tensor<T>> tensors_of(Network<T>& network);

}  // namespace fastopt
