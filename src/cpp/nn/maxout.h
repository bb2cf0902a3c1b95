// y_j = max over k of x_{j pieces + k}: what makes a dense layer of units * pieces a maxout layer (Goodfellow et al.,
// ICML 2013). The first of equals has the gradient.
#pragma once

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
    for (Index i = 0; i < rows; ++i) {
      const T* x = flow.x.row(i);
      T* const y = flow.y.row(i);
      for (Index j = 0; j < this->outputs(); ++j, x += pieces_) {
        y[j] = x[largest(x)];
      }
    }
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      const T *x = flow.x.row(i), *const dy = flow.dy.row(i);
      T* dx = flow.dx.row(i);
      for (Index j = 0; j < this->outputs(); ++j, x += pieces_, dx += pieces_) {
        std::fill_n(dx, pieces_, T(0));
        dx[largest(x)] = dy[j];
      }
    }
    this->differentiate(rows, flow);
  }

 private:
  // A NaN counts as larger than numbers, so that it is seen.
  Index largest(const T* x) const {
    Index best = 0;
    for (Index k = 1; k < pieces_; ++k) {
      if (x[k] > x[best] || x[k] != x[k]) {
        best = k;
      }
    }
    return best;
  }

  Index pieces_;
};

}  // namespace fastopt
