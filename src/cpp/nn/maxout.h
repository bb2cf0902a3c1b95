// y_j = max over k of x_{j pieces + k}: what makes a dense layer of units * pieces a maxout layer (Goodfellow et al.,
// ICML 2013). The first of equals has the gradient.
#pragma once

#include <algorithm>

#include "kernels/maxout/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class MaxPieces final : public Layer<T> {
 public:
  MaxPieces(Index inputs, Index pieces) : Layer<T>(inputs, inputs / pieces), pieces_(pieces) {
    if (inputs % pieces != 0) {
      throw std::invalid_argument(std::to_string(inputs) + " inputs cannot be split into " + std::to_string(pieces) +
                                  " pieces");
    }
  }

  void forward(Index rows, const Flow<T>& flow) const override {
    Index piece[most];
    for_some_units(rows, [&](Index i, Index first, Index count) {
      kernels<T>().maxout.largest(flow.x.row(i) + first * pieces_, count, pieces_, flow.y.row(i) + first, piece);
    });
    this->activate(rows, flow);
  }

  // The pieces are found again: to keep them would take more time than that.
  void backward_input(Index rows, const Flow<T>& flow) const override {
    T y[most];
    Index piece[most];
    for_some_units(rows, [&](Index i, Index first, Index count) {
      kernels<T>().maxout.largest(flow.x.row(i) + first * pieces_, count, pieces_, y, piece);
      kernels<T>().maxout.spread(flow.dy.row(i) + first, piece, count, pieces_, flow.dx.row(i) + first * pieces_);
    });
    this->differentiate(rows, flow);
  }

 private:
  static constexpr Index most = 256;  // units at a time

  // f(row, first unit, units)
  template <class F>
  void for_some_units(Index rows, F&& f) const {
    for (Index i = 0; i < rows; ++i) {
      for (Index first = 0; first < this->outputs(); first += most) {
        f(i, first, std::min(most, this->outputs() - first));
      }
    }
  }

  Index pieces_;
};

}  // namespace fastopt
