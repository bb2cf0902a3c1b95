// y = f(x W + b) with W [inputs, outputs], trained or not.
#pragma once

#include <algorithm>

#include "nn/layer.h"

namespace fastopt {

template <class T>
class Dense : public Layer<T> {
 public:
  Dense(Index inputs, Index outputs, bool bias, bool trained = true);

  double cost() const override;
  Index workspace() const override;
  void prepare_backward(const Team& team, const Flow<T>& flow) const override;
  void forward(Index rows, const Flow<T>& flow) const override;
  void backward_input(Index rows, const Flow<T>& flow) const override;
  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override;

 protected:
  // W as the products need it.
  virtual const T* weights(const Flow<T>& flow) const { return values(flow, kernel()); }

  // work(rows of the kernel), then done(part), for parts of this rank's rows that stay in cache.
  template <class F>
  bool for_each_part(const Team& team, Index batch, F&& work, const PartDone& done) const {
    // Rows that are whole vectors; elements that stay in cache; multiply-adds after which an interrupt is heard.
    constexpr Index grain = 16, part_size = 131072, part_work = Index{1} << 28;
    const Range share = team.split(this->inputs(), grain);
    const Index size = std::min(part_size, part_work / std::max<Index>(1, batch));
    const Index part = std::max(grain, size / this->outputs() / grain * grain);
    for (Index first = share.begin; first < share.end; first += part) {
      const Range rows{first, std::min(first + part, share.end)};
      work(rows);
      const Index offset = kernel().offset;
      if (!done({offset + rows.begin * this->outputs(), offset + rows.end * this->outputs()})) {
        return false;
      }
    }
    return true;
  }
  bool backward_bias(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const;

  const TensorSpec& kernel() const { return this->tensors()[0]; }

 private:
  const TensorSpec* bias() const { return bias_ ? &this->tensors()[1] : nullptr; }
  const T* values(const Flow<T>& flow, const TensorSpec& tensor) const {
    return (tensor.trained ? flow.parameters : flow.state) + tensor.offset;
  }

  bool bias_;
};

}  // namespace fastopt
