// Layers by the name of their kind.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nn/layer.h"

namespace fastopt {

struct LayerSpec {
  std::string kind;
  std::string activation;
  std::map<std::string, double> numbers;
};

// Throws std::invalid_argument where the kind or one of its numbers is unknown, missing or out of range.
template <class T>
std::unique_ptr<Layer<T>> make_layer(Index inputs, const LayerSpec& spec);

}  // namespace fastopt
