// Piecewise linear encodings of features, of bins that are not trained (Gorishniy, Rubachev and Babenko, On embeddings
// for numerical features in tabular deep learning, NeurIPS 2022).
#pragma once

#include "kernels/piecewise/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> piecewise(Index features, Index pieces) {
  const auto backward = [=](const View<T>& v, const View<T>& of) {
    kernels<T>().piecewise.backward({.rows = v.rows,
                                     .features = features,
                                     .pieces = pieces,
                                     .start = v.tensors.state(0),
                                     .scale = v.tensors.state(1),
                                     .x = v.in[0].x,
                                     .dy = of.out.dy,
                                     .dx = of.in[0].dx});
  };
  const auto forward = [=](const View<T>& v) {
    kernels<T>().piecewise.forward({.rows = v.rows,
                                    .features = features,
                                    .pieces = pieces,
                                    .start = v.tensors.state(0),
                                    .scale = v.tensors.state(1),
                                    .x = v.in[0].x,
                                    .y = v.out.y});
    activate(v);
  };
  Layer<T> layer =
      row_layer<T>(checked_product(features, pieces), over_rows<T>(forward), over_rows<T>([=](const View<T>& v) {
                     backward(v, v);
                     differentiate(v);
                   }));
  // The derivatives of a piece go on where it is not kept at an end of its range.
  const auto forward_along = [=](const View<T>& v) {
    forward(v);
    const T *const start = v.tensors.state(0), *const scale = v.tensors.state(1);
    for (Index i = 0; i < v.rows; ++i) {
      for (Index f = 0; f < features; ++f) {
        const Index last = pieces - 1, first = scale[f * pieces] == 0 ? last : 0;
        for (Index t = 0, at = f * pieces; t < pieces; ++t, ++at) {
          const T y = (v.in[0].x.row(i)[f] - start[at]) * scale[at];
          const bool moves = (y >= 0 || t == first) && (y <= 1 || t == last);
          v.along->out.y.row(i)[at] = moves ? scale[at] * v.along->in[0].x.row(i)[f] : T(0);
        }
      }
    }
  };
  const auto backward_along = [=](const View<T>& v) {
    backward(v, v);
    backward(v, *v.along);
  };
  layer.curvature = {{over_rows<T>(forward_along)}, {over_rows<T>(backward_along)}, {}};
  add_tensor(layer, "start", {features, pieces}, false);
  add_tensor(layer, "scale", {features, pieces}, false);
  return layer;
}

template <class T>
Kinds<T> piecewise_kinds() {
  return {
      {"piecewise", {[](Sizes in, const LayerSpec&, Numbers& n) { return piecewise<T>(in[0], n.count("pieces")); }}}};
}

}  // namespace fastopt
