// y = x where x > 0, a x elsewhere, with one trained a for each channel (He, Zhang, Ren and Sun, ICCV 2015).
#pragma once

#include "kernels/prelu/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class Prelu final : public Layer<T> {
 public:
  explicit Prelu(const Features& features) : Layer<T>(features.size(), features.size()), features_(features) {
    this->add_tensor("alpha", {features_.channels});
  }

  void forward(Index rows, const Flow<T>& flow) const override {
    kernels<T>().prelu.pass(
        {.rows = rows, .features = features_, .alpha = alpha(flow), .x = flow.x, .v = flow.x, .y = flow.y});
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    kernels<T>().prelu.pass(
        {.rows = rows, .features = features_, .alpha = alpha(flow), .x = flow.x, .v = flow.dy, .y = flow.dx});
    this->differentiate(rows, flow);
  }

  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override {
    const Range mine = team.split(features_.channels, alignment);
    const Index offset = this->tensors_[0].offset;
    kernels<T>().prelu.sums(
        {.rows = batch, .features = features_, .x = flow.x, .dy = flow.dy, .dalpha = flow.gradients + offset}, mine);
    return mine.size() == 0 || done({offset + mine.begin, offset + mine.end});
  }

 private:
  const T* alpha(const Flow<T>& flow) const { return flow.parameters + this->tensors_[0].offset; }

  Features features_;
};

}  // namespace fastopt
