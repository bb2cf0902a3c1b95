// y_j = max over k of x_{j pieces + k}: what makes a dense layer of units * pieces a maxout layer (Goodfellow et al.,
// ICML 2013). The first of equals has the gradient.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "kernels/maxout/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> max_pieces(Index inputs, Index pieces) {
  if (inputs % pieces != 0) {
    throw std::invalid_argument(std::to_string(inputs) + " inputs cannot be split into " + std::to_string(pieces) +
                                " pieces");
  }
  static constexpr Index block = 256;  // units at a time
  // f(row, first unit, units)
  const auto for_each_block = [](const View<T>& v, auto&& f) {
    for (Index i = 0; i < v.rows; ++i) {
      for (Index first = 0; first < v.out.columns; first += block) {
        f(i, first, std::min(block, v.out.columns - first));
      }
    }
  };
  const auto forward = [=](const View<T>& v) {
    Index piece[block];
    for_each_block(v, [&](Index i, Index first, Index count) {
      kernels<T>().maxout.largest(v.in[0].x.row(i) + first * pieces, count, pieces, v.out.y.row(i) + first, piece);
    });
    activate(v);
  };
  // The pieces are found again: to keep them would take more time than that.
  const auto backward = [=](const View<T>& v) {
    T y[block];
    Index piece[block];
    for_each_block(v, [&](Index i, Index first, Index count) {
      kernels<T>().maxout.largest(v.in[0].x.row(i) + first * pieces, count, pieces, y, piece);
      kernels<T>().maxout.spread(v.out.dy.row(i) + first, piece, count, pieces, v.in[0].dx.row(i) + first * pieces);
    });
    differentiate(v);
  };
  // The derivatives go the way of the largest pieces.
  const auto forward_along = [=](const View<T>& v) {
    forward(v);
    T y[block];
    Index piece[block];
    for_each_block(v, [&](Index i, Index first, Index count) {
      kernels<T>().maxout.largest(v.in[0].x.row(i) + first * pieces, count, pieces, y, piece);
      const T* const x = v.along->in[0].x.row(i) + first * pieces;
      for (Index j = 0; j < count; ++j) {
        v.along->out.y.row(i)[first + j] = x[j * pieces + piece[j]];
      }
    });
  };
  const auto backward_along = [=](const View<T>& v) {
    backward(v);
    View<T> along = *v.along;
    In<T> in{v.in[0].x, along.in[0].dx, along.in[0].columns, linear};
    along.in = {&in, 1};
    backward(along);
  };
  Layer<T> layer = row_layer<T>(inputs / pieces, over_rows<T>(forward), over_rows<T>(backward));
  layer.curvature = {{over_rows<T>(forward_along)}, {over_rows<T>(backward_along)}, {}};
  return layer;
}

template <class T>
Kinds<T> maxout_kinds() {
  return {
      {"max_pieces", {[](Sizes in, const LayerSpec&, Numbers& n) { return max_pieces<T>(in[0], n.count("pieces")); }}}};
}

}  // namespace fastopt
