// y = x where x > 0, slope x elsewhere (Maas, Hannun and Ng, ICML 2013).
#pragma once

#include "kernels/prelu/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> leaky_relu(Index inputs, double slope) {
  // v times the slope at x.
  const auto pass = [=, alpha = static_cast<T>(slope)](const View<T>& view, Rows<const T> v, Rows<T> y) {
    kernels<T>().prelu.pass({.rows = view.rows,
                             .features = {.channels = 1, .space = inputs, .channels_last = false},
                             .alpha = &alpha,
                             .x = view.in[0].x,
                             .v = v,
                             .y = y});
  };
  Layer<T> layer = row_layer<T>(inputs, over_rows<T>([=](const View<T>& view) {
                                  pass(view, view.in[0].x, view.out.y);
                                  activate(view);
                                }),
                                over_rows<T>([=](const View<T>& view) {
                                  pass(view, view.out.dy, view.in[0].dx);
                                  differentiate(view);
                                }));
  layer.inference = layer.training;
  layer.curvature = {{over_rows<T>([=](const View<T>& view) {
                       pass(view, view.in[0].x, view.out.y);
                       pass(view, view.along->in[0].x, view.along->out.y);
                       activate(view);
                     })},
                     {over_rows<T>([=](const View<T>& view) {
                       pass(view, view.out.dy, view.in[0].dx);
                       pass(view, view.along->out.dy, view.along->in[0].dx);
                     })},
                     {}};
  return layer;
}

template <class T>
Kinds<T> leaky_relu_kinds() {
  return {{"leaky_relu",
           {[](Sizes in, const LayerSpec&, Numbers& n) { return leaky_relu<T>(in[0], n.real("negative_slope")); }}}};
}

}  // namespace fastopt
