// y = x - c and y = x a + b, element by element, with a, b and c that are not trained.
#pragma once

#include <algorithm>
#include <functional>

#include "kernels/elementwise/args.h"
#include "kernels/update/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> center(Index inputs) {
  Layer<T> layer = row_layer<T>(inputs, over_rows<T>([](const View<T>& v) {
                                  for (Index i = 0; i < v.rows; ++i) {
                                    std::transform(v.in[0].x.row(i), v.in[0].x.row(i) + v.out.columns,
                                                   v.tensors.state(0), v.out.y.row(i), std::minus<T>());
                                  }
                                  activate(v);
                                }),
                                over_rows<T>([](const View<T>& v) { copy_gradient(v); }));
  layer.curvature = {{over_rows<T>([forward = layer.inference.forward.front().run](const View<T>& v) {
                       forward(v, Team(0, 1, nullptr));
                       for (Index i = 0; i < v.rows; ++i) {
                         std::copy_n(v.along->in[0].x.row(i), v.out.columns, v.along->out.y.row(i));
                       }
                     })},
                     {over_rows<T>([](const View<T>& v) {
                       copy_gradient(v);
                       copy_gradient(*v.along);
                     })},
                     {}};
  add_tensor(layer, "center", {inputs}, false);
  return layer;
}

template <class T>
Layer<T> scale(Index inputs) {
  Layer<T> layer = row_layer<T>(
      inputs, over_rows<T>([](const View<T>& v) {
        const T *const a = v.tensors.state(0), *const b = v.tensors.state(1);
        for (Index i = 0; i < v.rows; ++i) {
          kernels<T>().elementwise.multiply(v.in[0].x.row(i), a, v.out.y.row(i), v.out.columns);
          kernels<T>().update.add(b, v.out.y.row(i), v.out.columns);
        }
        activate(v);
      }),
      over_rows<T>([](const View<T>& v) {
        for (Index i = 0; i < v.rows; ++i) {
          kernels<T>().elementwise.multiply(v.out.dy.row(i), v.tensors.state(0), v.in[0].dx.row(i), v.out.columns);
        }
        differentiate(v);
      }));
  add_linear_curvature(layer);
  layer.curvature.forward = {over_rows<T>([forward = layer.inference.forward.front().run](const View<T>& v) {
    forward(v, Team(0, 1, nullptr));
    for (Index i = 0; i < v.rows; ++i) {
      kernels<T>().elementwise.multiply(v.along->in[0].x.row(i), v.tensors.state(0), v.along->out.y.row(i),
                                        v.out.columns);
    }
  })};
  add_tensor(layer, "kernel", {inputs}, false);
  add_tensor(layer, "bias", {inputs}, false);
  return layer;
}

template <class T>
Kinds<T> scale_kinds() {
  return {{"center", {[](Sizes in, const LayerSpec&, Numbers&) { return center<T>(in[0]); }}},
          {"scale", {[](Sizes in, const LayerSpec&, Numbers&) { return scale<T>(in[0]); }}}};
}

}  // namespace fastopt
