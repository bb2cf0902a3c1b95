// y = f(x W + b) with W [inputs, outputs].
#pragma once

#include "nn/layer.h"

namespace fastopt {

template <class T>
class Dense final : public Layer<T> {
 public:
  Dense(Index inputs, Index outputs, bool bias);

  double cost() const override;
  Index workspace() const override;
  void prepare_backward(const Team& team, const Flow<T>& flow) const override;
  void forward(Index rows, const Flow<T>& flow) const override;
  void backward_input(Index rows, const Flow<T>& flow) const override;
  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override;

 private:
  const TensorSpec& kernel() const { return this->tensors()[0]; }
  const TensorSpec* bias() const { return this->tensors().size() > 1 ? &this->tensors()[1] : nullptr; }
};

}  // namespace fastopt
