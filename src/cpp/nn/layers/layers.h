// Layers by the name of their kind.
#pragma once

#include <map>
#include <span>
#include <string>

#include "nn/layer.h"

namespace fastopt {

struct LayerSpec {
  std::string kind;
  std::string activation = "linear";
  std::map<std::string, double> numbers = {};
  std::vector<Index> inputs = {-1};  // nodes, counted from this one
  Index shares = 0;                  // the node whose tensors it uses, counted from this one
  bool trainable = true;
};

// A layer for inputs of these sizes. Throws std::invalid_argument where the kind or one of its numbers is unknown,
// missing or out of range, or where the kind has one input and there are others.
template <class T>
Layer<T> make_layer(std::span<const Index> inputs, const LayerSpec& spec);

}  // namespace fastopt
