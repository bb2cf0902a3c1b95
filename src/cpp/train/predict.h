// The outputs of a network for samples, a batch at a time.
#pragma once

#include <span>

#include "nn/network.h"

namespace fastopt {

// Outputs [samples.rows, columns] of each. It ends early where the poll asks to stop; what it wrote is then of no use.
template <class T>
void predict(Network<T>& network, std::span<const Samples> x, const Batch& samples, Index batch_size,
             std::span<T* const> outputs, const Poll& poll);

}  // namespace fastopt
