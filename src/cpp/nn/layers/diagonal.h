// y = w x with one trained w for each feature.
#pragma once

#include "kernels/elementwise/args.h"
#include "kernels/reduce/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> diagonal(Index inputs) {
  const auto pass = [](const View<T>& v, Rows<const T> from, Rows<T> to) {
    for (Index i = 0; i < v.rows; ++i) {
      kernels<T>().elementwise.multiply(from.row(i), v.tensors.parameter(0), to.row(i), v.out.columns);
    }
  };
  Layer<T> layer = row_layer<T>(inputs, over_rows<T>([=](const View<T>& v) {
                                  pass(v, v.in[0].x, v.out.y);
                                  activate(v);
                                }),
                                over_rows<T>([=](const View<T>& v) {
                                  pass(v, v.out.dy, v.in[0].dx);
                                  differentiate(v);
                                }));
  add_tensor(layer, "scale", {inputs});
  const auto gradient = [](auto&& sums) {
    return over_parameters<T>([=](const View<T>& v, const Team& team) {
      const Range mine = team.split(v.out.columns, alignment / Index{sizeof(T)});
      if (mine.size() > 0) {
        const Index offset = v.tensors.offset(0);
        sums(v, mine, v.sink->gradients() + offset);
        v.sink->take(team, {offset + mine.begin, offset + mine.end});
      }
    });
  };
  layer.training.gradient = {gradient([](const View<T>& v, Range columns, T* to) {
    kernels<T>().reduce.column_dot(v.in[0].x, v.out.dy, v.rows, columns, to);
  })};
  layer.inference = layer.training;
  // The derivatives of y, dx and dw have a second term each: c x, c dy and x' dy, c being the direction of w and x' the
  // derivative of x.
  const auto add_turned = [](const View<T>& v, Rows<const T> from, Rows<T> to) {
    const T* const c = v.along->tensors.parameter(0);
    for (Index i = 0; c && i < v.rows; ++i) {
      for (Index j = 0; j < v.out.columns; ++j) {
        to.row(i)[j] += c[j] * from.row(i)[j];
      }
    }
  };
  layer.curvature = {{over_rows<T>([=](const View<T>& v) {
                       pass(v, v.in[0].x, v.out.y);
                       pass(v, v.along->in[0].x, v.along->out.y);
                       add_turned(v, v.in[0].x, v.along->out.y);
                       activate(v);
                     })},
                     {over_rows<T>([=](const View<T>& v) {
                       pass(v, v.out.dy, v.in[0].dx);
                       pass(v, v.along->out.dy, v.along->in[0].dx);
                       add_turned(v, v.out.dy, v.along->in[0].dx);
                     })},
                     {gradient([](const View<T>& v, Range columns, T* to) {
                       kernels<T>().reduce.column_dot(v.in[0].x, v.along->out.dy, v.rows, columns, to);
                       for (Index i = 0; i < v.rows; ++i) {
                         for (Index j = columns.begin; j < columns.end; ++j) {
                           to[j] += v.along->in[0].x.row(i)[j] * v.out.dy.row(i)[j];
                         }
                       }
                     })}};
  return layer;
}

template <class T>
Kinds<T> diagonal_kinds() {
  return {{"diagonal", {[](Sizes in, const LayerSpec&, Numbers&) { return diagonal<T>(in[0]); }}}};
}

}  // namespace fastopt
