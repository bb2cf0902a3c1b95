// y = x + f(x) with f the layers between a start, which hands x on, and an end (He, Zhang, Ren and Sun, 2016).
#pragma once

#include "kernels/elementwise/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class ResidualStart final : public Layer<T> {
 public:
  explicit ResidualStart(Index inputs) : Layer<T>(inputs, inputs) {}

  Passes passes(Mode mode) const override { return mode.training ? Passes::values : Passes::all; }
  void forward(Index, const Flow<T>&) const override {}
  void backward_input(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      kernels<T>().elementwise.add(flow.dy.row(i), flow.other.row(i), flow.dx.row(i), this->inputs());
    }
    this->differentiate(rows, flow);
  }
};

template <class T>
class ResidualEnd final : public Layer<T> {
 public:
  explicit ResidualEnd(Index inputs) : Layer<T>(inputs, inputs) {}

  void forward(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      kernels<T>().elementwise.add(flow.x.row(i), flow.other.row(i), flow.y.row(i), this->outputs());
    }
    this->activate(rows, flow);
  }
  void backward_input(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      std::copy_n(flow.dy.row(i), this->inputs(), flow.dx.row(i));
    }
    this->differentiate(rows, flow);
  }
};

}  // namespace fastopt
