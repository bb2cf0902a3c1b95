// y = x a + b, element by element, with a and b that are not trained.
#pragma once

#include "kernels/elementwise/args.h"
#include "kernels/update/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class Scale final : public Layer<T> {
 public:
  explicit Scale(Index inputs) : Layer<T>(inputs, inputs) {
    this->add_tensor("kernel", {inputs}, false);
    this->add_tensor("bias", {inputs}, false);
  }

  void forward(Index rows, const Flow<T>& flow) const override {
    const T *const a = flow.state + this->tensors_[0].offset, *const b = flow.state + this->tensors_[1].offset;
    for (Index i = 0; i < rows; ++i) {
      kernels<T>().elementwise.multiply(flow.x.row(i), a, flow.y.row(i), this->outputs());
      kernels<T>().update.add(b, flow.y.row(i), this->outputs());
    }
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    const T* const a = flow.state + this->tensors_[0].offset;
    for (Index i = 0; i < rows; ++i) {
      kernels<T>().elementwise.multiply(flow.dy.row(i), a, flow.dx.row(i), this->inputs());
    }
    this->differentiate(rows, flow);
  }
};

}  // namespace fastopt
