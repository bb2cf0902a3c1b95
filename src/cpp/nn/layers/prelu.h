// y = x where x > 0, a x elsewhere, with one trained a for each channel (He, Zhang, Ren and Sun, ICCV 2015).
#pragma once

#include "kernels/prelu/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> prelu(const Features& features) {
  // The kernel multiplies v by the slope at x.
  const auto pass = [=](const View<T>& view, Rows<const T> v, Rows<T> y) {
    kernels<T>().prelu.pass({.rows = view.rows,
                             .features = features,
                             .alpha = view.tensors.parameter(0),
                             .x = view.in[0].x,
                             .v = v,
                             .y = y});
  };
  Layer<T> layer = row_layer<T>(features.size(), over_rows<T>([=](const View<T>& view) {
                                  pass(view, view.in[0].x, view.out.y);
                                  activate(view);
                                }),
                                over_rows<T>([=](const View<T>& view) {
                                  pass(view, view.out.dy, view.in[0].dx);
                                  differentiate(view);
                                }));
  add_tensor(layer, "alpha", {features.channels});
  layer.training.gradient.push_back(over_parameters<T>([=](const View<T>& view, const Team& team) {
    const Range mine = team.split(features.channels, alignment);
    const Index offset = view.tensors.offset(0);
    kernels<T>().prelu.sums({.rows = view.rows,
                             .features = features,
                             .x = view.in[0].x,
                             .dy = view.out.dy,
                             .dalpha = view.sink->gradients() + offset},
                            mine);
    if (mine.size() > 0) {
      view.sink->take(team, {offset + mine.begin, offset + mine.end});
    }
  }));
  layer.inference = layer.training;
  return layer;
}

template <class T>
Kinds<T> prelu_kinds() {
  return {{"prelu", {[](Sizes in, const LayerSpec&, Numbers& n) { return prelu<T>(features(in[0], n)); }}}};
}

}  // namespace fastopt
