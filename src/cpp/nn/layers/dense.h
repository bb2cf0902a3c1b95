// y = f(x W + b) with W [inputs, outputs], trained or not.
#pragma once

#include <algorithm>

#include "nn/layers/kind.h"

namespace fastopt {

// Where the weights of a product lie: followed by slack, so that whole vectors may be read.
template <class T>
using Weights = const T* (*)(const View<T>&);

// Elements of the panels that the product with W^T takes, which are the first of the workspace.
template <class T>
Index dense_panels(Index inputs, Index outputs);

// The phases of products: y = f(x W + b); W^T into panels; dx = dy W^T.
template <class T>
Phase<T> dense_forward(Weights<T> weights, int bias, bool trained = true);
template <class T>
Phase<T> dense_pack(Weights<T> weights);
template <class T>
Phase<T> dense_backward();
// db, the sums of dy.
template <class T>
Phase<T> dense_bias_gradient(int bias);

// All of them with the derivatives along a direction, of weights that are the first parameter or not trained.
template <class T>
Phases<T> dense_curvature(Weights<T> weights, int bias, bool trained);

template <class T>
Layer<T> dense(Index inputs, Index outputs, bool bias, bool trained = true);

// work(rows), then the sink takes them, for parts of this rank's rows of a matrix [rows, columns], the gradient of
// `tensor`, that stay in cache. Parts begin at multiples of `grain`.
template <class T, class F>
void for_each_part(const View<T>& v, const Team& team, int tensor, Index rows, Index columns, F&& work,
                   Index grain = 16) {
  // Elements that stay in cache; multiply-adds after which an interrupt is heard.
  constexpr Index part_size = 131072, part_work = Index{1} << 28;
  const Range share = team.split(rows, grain);
  const Index size = std::min(part_size, part_work / std::max<Index>(1, v.slab.batch));
  const Index part = std::max(grain, size / columns / grain * grain), offset = v.tensors.offset(tensor);
  for (Index first = share.begin; first < share.end && !v.sink->stopped(); first += part) {
    const Range some{first, std::min(first + part, share.end)};
    work(some);
    v.sink->take(team, {offset + some.begin * columns, offset + some.end * columns});
  }
}

template <class T>
Kinds<T> dense_kinds() {
  return {{"dense", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const Index units = n.count("units");
             return dense<T>(in[0], units, n.flag("use_bias"), n.optional("trained", 1) != 0);
           }}}};
}

}  // namespace fastopt
