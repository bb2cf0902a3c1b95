// y = x where x > 0, a x elsewhere, with one trained a for each channel (He, Zhang, Ren and Sun, ICCV 2015).
#pragma once

#include "nn/layer.h"

namespace fastopt {

template <class T>
class Prelu final : public Layer<T> {
 public:
  explicit Prelu(const Features& features)
      : Layer<T>(features.size(), features.size()), channels_(features.channels), last_(features.channels_last) {
    this->add_tensor("alpha", {channels_});
  }

  void forward(Index rows, const Flow<T>& flow) const override {
    const T* const alpha = flow.parameters + this->tensors_[0].offset;
    for (Index i = 0; i < rows; ++i) {
      const T* const x = flow.x.row(i);
      T* const y = flow.y.row(i);
      for_each([&](Index j, Index c) { y[j] = x[j] > 0 ? x[j] : alpha[c] * x[j]; });
    }
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    const T* const alpha = flow.parameters + this->tensors_[0].offset;
    for (Index i = 0; i < rows; ++i) {
      const T *const x = flow.x.row(i), *const dy = flow.dy.row(i);
      T* const dx = flow.dx.row(i);
      for_each([&](Index j, Index c) { dx[j] = x[j] > 0 ? dy[j] : alpha[c] * dy[j]; });
    }
    this->differentiate(rows, flow);
  }

  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override {
    const Range mine = team.split(channels_, alignment);
    const Index offset = this->tensors_[0].offset;
    T* const gradient = flow.gradients + offset;
    std::fill(gradient + mine.begin, gradient + mine.end, T(0));
    const Index space = this->inputs() / channels_;
    for (Index i = 0; i < batch; ++i) {
      const T *const x = flow.x.row(i), *const dy = flow.dy.row(i);
      for (Index s = 0; s < space; ++s) {
        for (Index c = mine.begin; c < mine.end; ++c) {
          const Index j = last_ ? s * channels_ + c : c * space + s;
          gradient[c] += x[j] > 0 ? T(0) : dy[j] * x[j];
        }
      }
    }
    return mine.size() == 0 || done({offset + mine.begin, offset + mine.end});
  }

 private:
  // f(element, channel)
  template <class F>
  void for_each(F&& f) const {
    const Index space = this->inputs() / channels_, outer = last_ ? space : channels_,
                inner = last_ ? channels_ : space;
    for (Index a = 0; a < outer; ++a) {
      for (Index b = 0; b < inner; ++b) {
        f(a * inner + b, last_ ? b : a);
      }
    }
  }

  Index channels_;
  bool last_;
};

}  // namespace fastopt
