// Layers by the name of their kind.
#pragma once

#include "nn/layers/kind.h"

namespace fastopt {

// A layer for inputs of these sizes. Throws std::invalid_argument where the kind or one of its numbers is unknown,
// missing or out of range, or where the kind has one input and there are others.
template <class T>
Layer<T> make_layer(std::span<const Index> inputs, const LayerSpec& spec);

}  // namespace fastopt
