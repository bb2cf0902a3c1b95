// The losses and metrics of samples, without training.
#pragma once

#include <span>

#include "nn/network.h"

namespace fastopt {

// Adds to the totals. It ends early where the poll asks to stop; they are then of no use.
template <class T>
void evaluate(Network<T>& network, std::span<const Samples> x, const Batch& samples, const Objective<T>& objective,
              Index batch_size, const Poll& poll, Totals& totals);

}  // namespace fastopt
