// Noise on the values, in training only: y = x m with m = 0 or 1 / keep (Srivastava et al., JMLR 15, 2014), and
// y = x + s n with n from N(0, 1). The numbers of a row depend on the seed, the batch, the layer and the row alone.
#pragma once

#include "kernels/dropout/args.h"
#include "kernels/elementwise/args.h"
#include "nn/layer.h"
#include "runtime/random.h"

namespace fastopt {

template <class T>
class Dropout final : public Layer<T> {
 public:
  Dropout(Index inputs, double rate) : Layer<T>(inputs, inputs), rate_(rate) {}

  Index kept() const override { return this->outputs(); }
  Passes passes(Mode mode) const override { return mode.noise && rate_ > 0 ? Passes::nothing : Passes::all; }

  void forward(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      T* const mask = flow.kept.row(i);
      kernels<T>().dropout.mask(flow.draw.key, flow.draw.first_stream + static_cast<std::uint64_t>(i), rate_, mask,
                                this->outputs());
      kernels<T>().elementwise.multiply(flow.x.row(i), mask, flow.y.row(i), this->outputs());
    }
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      kernels<T>().elementwise.multiply(flow.dy.row(i), flow.kept.row(i), flow.dx.row(i), this->outputs());
    }
    this->differentiate(rows, flow);
  }

 private:
  double rate_;
};

template <class T>
class GaussianNoise final : public Layer<T> {
 public:
  GaussianNoise(Index inputs, double stddev) : Layer<T>(inputs, inputs), stddev_(stddev) {}

  double cost() const override { return 50 * static_cast<double>(this->outputs()); }
  Passes passes(Mode mode) const override { return mode.noise && stddev_ > 0 ? Passes::nothing : Passes::all; }

  void forward(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      add_random_normal(flow.draw.key, flow.draw.first_stream + static_cast<std::uint64_t>(i), this->outputs(), stddev_,
                        flow.x.row(i), flow.y.row(i));
    }
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    for (Index i = 0; i < rows; ++i) {
      std::copy_n(flow.dy.row(i), this->outputs(), flow.dx.row(i));
    }
    this->differentiate(rows, flow);
  }

 private:
  double stddev_;
};

}  // namespace fastopt
