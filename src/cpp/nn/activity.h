// A penalty on the values of the layer below, whose values and gradients go through: it adds to the gradient of their
// mean over the batch.
#pragma once

#include "kernels/update/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class Activity final : public Layer<T> {
 public:
  Activity(Index inputs, Penalty penalty) : Layer<T>(inputs, inputs), penalty_(penalty) {}

  Index kept() const override { return this->outputs(); }
  Passes passes(Mode) const override { return Passes::all; }
  bool penalises() const override { return true; }

  void penalise(Index rows, const Flow<T>& flow, T* penalty) const override {
    for (Index i = 0; i < rows; ++i) {
      penalty[i] += static_cast<T>(penalty_.value(flow.x.row(i), this->inputs()));
    }
  }

  void forward(Index, const Flow<T>&) const override {}

  void backward_input(Index rows, const Flow<T>& flow) const override {
    const Index columns = this->inputs();
    for (Index i = 0; i < rows; ++i) {
      penalty_.differentiate<T>(flow.x.row(i), nullptr, 1 / static_cast<double>(flow.batch), flow.kept.row(i), columns);
    }
    activation_kernel<T>(flow.x_activation)
        .differentiate(flow.x, {flow.kept.data, flow.kept.stride}, flow.kept, rows, columns);
    for (Index i = 0; i < rows; ++i) {
      kernels<T>().update.add(flow.kept.row(i), flow.dx.row(i), columns);
    }
  }

 private:
  Penalty penalty_;
};

}  // namespace fastopt
