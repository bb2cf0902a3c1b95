// Activations as layers of their own: y = f(x) where the gradient needs x, and a copy of x for what can end any layer.
#pragma once

#include "nn/layer.h"

namespace fastopt {

template <class T>
class Activation final : public Layer<T> {
 public:
  Activation(Index inputs, int function) : Layer<T>(inputs, inputs), function_(function) {}

  void forward(Index rows, const Flow<T>& flow) const override {
    activation_kernel<T>(function_).activate(flow.x, flow.y, rows, this->outputs());
    this->activate(rows, flow);
  }
  void backward_input(Index rows, const Flow<T>& flow) const override {
    activation_kernel<T>(function_).differentiate(flow.x, flow.dy, flow.dx, rows, this->outputs());
    this->differentiate(rows, flow);
  }

 private:
  int function_;
};

template <class T>
class Copy final : public Layer<T> {
 public:
  explicit Copy(Index inputs) : Layer<T>(inputs, inputs) {}

  void forward(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      std::copy_n(flow.x.row(i), this->outputs(), flow.y.row(i));
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

// What changes shapes alone, or ends the layer below instead.
template <class T>
class Pass final : public Layer<T> {
 public:
  explicit Pass(Index inputs) : Layer<T>(inputs, inputs) {}

  double cost() const override { return 0; }
  Passes passes(Mode) const override { return Passes::all; }
  void forward(Index, const Flow<T>&) const override {}
  void backward_input(Index, const Flow<T>&) const override {}
};

}  // namespace fastopt
