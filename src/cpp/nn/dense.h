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
  bool prepares(Index rows, bool backward) const override;
  void prepare(const Team& team, Index rows, bool backward, const Flow<T>& flow) const override;
  void forward(Index rows, Index batch, const Flow<T>& flow) const override;
  void backward_input(Index rows, const Flow<T>& flow) const override;
  void backward_parameters(const Team& team, Index batch, const Flow<T>& flow) const override;

 private:
  bool packs_forward(Index rows) const;
  Index packed_kernel_size() const;
  const TensorSpec& kernel() const { return this->tensors()[0]; }
  const TensorSpec* bias() const { return this->tensors().size() > 1 ? &this->tensors()[1] : nullptr; }
  T* packed_transpose(const Flow<T>& flow) const;
};

}  // namespace fastopt
