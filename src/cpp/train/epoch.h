// Training: the steps of an epoch, in one team.
#pragma once

#include <span>
#include <string>

#include "nn/network.h"
#include "optim/state.h"
#include "train/others.h"

namespace fastopt {

// A hyperparameter of these batches: one value for each batch, or one for all (stride 0).
struct HyperSeries {
  const double* values;
  Index stride;
};

template <class T>
struct Epoch {
  std::span<const Samples> x;                // of each input
  std::span<const Augment<T>> augment = {};  // of each input, or none
  const Objective<T>& objective;
  std::span<const HyperSeries> hyper;  // in the order of the step
  Batch samples;                       // all of the epoch, in the order that batches take them
  Index batch_size, first_batch, batches;
  const Poll& poll;
  const Others<T>* others = nullptr;  // who have other shards of the batches; then `batch_size` is not looked at
};

enum class Outcome : std::uint8_t { finished, stopped, not_finite };

// By an optimizer for the tensors of the network, in their order. On any outcome the parameters are those of the last
// whole step.
template <class T>
Outcome train(Network<T>& network, State<T>& optimizer, const Epoch<T>& epoch, Totals& totals);

// What is kept of a step that holds NaN or infinity; empty where nothing does. Slots are many, and looked at at the end
// of an epoch.
template <class T>
std::string spoilt(const Network<T>& network, const State<T>& optimizer, bool with_slots);

// Freezes the layers that are not trainable, or whose parameters the optimizer leaves all as they are; in the optimizer
// as well.
template <class T>
void freeze(Network<T>& network, State<T>& optimizer);

// The tensors of a network, without slots.
template <class T>
std::vector<Tensor<T>> tensors_of(Network<T>& network);

}  // namespace fastopt
