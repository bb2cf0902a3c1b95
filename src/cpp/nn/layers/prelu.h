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
  // The derivatives of y, dx and dalpha have a second term each: x c, dy c and s dy where not x > 0, c being the
  // direction of alpha and s the derivative of x.
  const auto for_each_negative = [=](const View<T>& view, auto&& f) {
    for (Index i = 0; i < view.rows; ++i) {
      const T* const x = view.in[0].x.row(i);
      for (Index j = 0; j < features.size(); ++j) {
        if (!(x[j] > 0)) {
          f(i, j, features.channels_last ? j % features.channels : j / features.space);
        }
      }
    }
  };
  layer.curvature = {{over_rows<T>([=](const View<T>& view) {
                       const View<T>& along = *view.along;
                       pass(view, view.in[0].x, view.out.y);
                       pass(view, along.in[0].x, along.out.y);
                       if (const T* const c = along.tensors.parameter(0)) {
                         for_each_negative(view, [&](Index i, Index j, Index channel) {
                           along.out.y.row(i)[j] += view.in[0].x.row(i)[j] * c[channel];
                         });
                       }
                       activate(view);
                     })},
                     {over_rows<T>([=](const View<T>& view) {
                       const View<T>& along = *view.along;
                       pass(view, view.out.dy, view.in[0].dx);
                       pass(view, along.out.dy, along.in[0].dx);
                       if (const T* const c = along.tensors.parameter(0)) {
                         for_each_negative(view, [&](Index i, Index j, Index channel) {
                           along.in[0].dx.row(i)[j] += view.out.dy.row(i)[j] * c[channel];
                         });
                       }
                     })},
                     {over_parameters<T>([=](const View<T>& view, const Team& team) {
                       if (team.rank() != 0) {
                         return;
                       }
                       T* const to = view.sink->gradients() + view.tensors.offset(0);
                       std::fill_n(to, features.channels, T(0));
                       for_each_negative(view, [&](Index i, Index j, Index channel) {
                         to[channel] += view.in[0].x.row(i)[j] * view.along->out.dy.row(i)[j] +
                                        view.along->in[0].x.row(i)[j] * view.out.dy.row(i)[j];
                       });
                       const Index offset = view.tensors.offset(0);
                       view.sink->take(team, {offset, offset + features.channels});
                     })}};
  return layer;
}

template <class T>
Kinds<T> prelu_kinds() {
  return {{"prelu", {[](Sizes in, const LayerSpec&, Numbers& n) { return prelu<T>(features(in[0], n)); }}}};
}

}  // namespace fastopt
