// A dense layer for each feature, y_f = x_f W_f + b_f, where x_f are the values that stand for a feature. All features
// may have the same W and b.
#pragma once

#include <stdexcept>

#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> feature_dense(Index inputs, Index features, Index units, bool shared);

template <class T>
Kinds<T> feature_dense_kinds() {
  return {{"feature_dense", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const Index features = n.count("features"), units = n.count("units");
             if (in[0] % features != 0) {
               throw std::invalid_argument(std::to_string(in[0]) + " inputs cannot be split into " +
                                           std::to_string(features) + " features");
             }
             return feature_dense<T>(in[0], features, units, n.flag("shared"));
           }}}};
}

}  // namespace fastopt
