// Normalisation over the rows of a batch (Ioffe and Szegedy, ICML 2015): y = gamma (x - mean) / sqrt(variance +
// epsilon)
// + beta for each channel. In inference the moments are running means: mean <- m mean + (1 - m) mean of the batch.
#pragma once

#include <cmath>

#include "kernels/norm/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class BatchNormalization final : public Layer<T> {
 public:
  struct Settings {
    Features features;
    double momentum, epsilon;
    bool scale, center;  // whether there are gamma and beta
    bool corrected;      // whether the running means are divided by 1 - m^t, as they start from 0
  };

  explicit BatchNormalization(const Settings& settings)
      : Layer<T>(settings.features.size(), settings.features.size()), s_(settings) {
    const Index channels = s_.features.channels;
    if (s_.scale) {
      gamma_ = this->add_tensor("gamma", {channels});
    }
    if (s_.center) {
      beta_ = this->add_tensor("beta", {channels});
    }
    mean_ = this->add_tensor("moving_mean", {channels}, false);
    variance_ = this->add_tensor("moving_variance", {channels}, false);
    steps_ = this->add_tensor("steps", {1}, false);
  }

  Index workspace() const override { return parts * room(); }
  bool prepares_forward() const override { return true; }
  bool couples_rows() const override { return true; }

  // In inference: the moments.
  void prepare_forward(const Team& team, const Flow<T>& flow) const override {
    if (flow.training) {
      return;
    }
    const Range mine = team.split(s_.features.channels, alignment);
    const double t = static_cast<double>(*state(flow, steps_));
    const double share = s_.corrected && t > 0 ? 1 - std::pow(s_.momentum, t) : 1;
    for (Index c = mine.begin; c < mine.end; ++c) {
      place(flow, mean)[c] = static_cast<T>(static_cast<double>(state(flow, mean_)[c]) / share);
      place(flow, variance)[c] = static_cast<T>(static_cast<double>(state(flow, variance_)[c]) / share);
    }
    kernels<T>().batch_norm.inverse_deviation(place(flow, variance) + mine.begin, static_cast<T>(s_.epsilon),
                                              place(flow, rstd) + mine.begin, mine.size());
  }

  void gather_forward(const Team& team, Index rows, const Flow<T>& flow) const override {
    kernels<T>().batch_norm.moments({.rows = rows,
                                     .features = s_.features,
                                     .x = flow.x,
                                     .epsilon = static_cast<T>(s_.epsilon),
                                     .mean = place(flow, mean),
                                     .variance = place(flow, variance),
                                     .rstd = place(flow, rstd)},
                                    team.split(s_.features.channels, alignment));
  }

  void forward(Index rows, const Flow<T>& flow) const override {
    kernels<T>().batch_norm.forward({.rows = rows,
                                     .features = s_.features,
                                     .gamma = parameter(flow, gamma_),
                                     .beta = parameter(flow, beta_),
                                     .mean = place(flow, mean),
                                     .rstd = place(flow, rstd),
                                     .x = flow.x,
                                     .y = flow.y});
    this->activate(rows, flow);
  }

  void gather_backward(const Team& team, Index rows, const Flow<T>& flow) const override {
    kernels<T>().batch_norm.sums(backward(rows, flow), team.split(s_.features.channels, alignment));
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    BatchNormBackward<T> b = backward(rows, flow);
    b.dx = flow.dx;
    b.count = flow.batch * s_.features.space;
    kernels<T>().batch_norm.backward(b);
    this->differentiate(rows, flow);
  }

  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override {
    const Range mine = team.split(s_.features.channels, alignment);
    const T part = static_cast<T>(1 - s_.momentum);
    for (Index c = mine.begin; c < mine.end; ++c) {
      state(flow, mean_)[c] += part * (place(flow, mean)[c] - state(flow, mean_)[c]);
      state(flow, variance_)[c] += part * (place(flow, variance)[c] - state(flow, variance_)[c]);
    }
    if (team.rank() == 0) {
      *state(flow, steps_) += 1;
    }
    static_cast<void>(batch);
    const auto finish = [&](int tensor, Place sums) {
      if (tensor < 0 || mine.size() == 0) {
        return true;
      }
      const Index offset = this->tensors_[static_cast<std::size_t>(tensor)].offset;
      std::copy(place(flow, sums) + mine.begin, place(flow, sums) + mine.end, flow.gradients + offset + mine.begin);
      return done({offset + mine.begin, offset + mine.end});
    };
    return finish(gamma_, dgamma) && finish(beta_, dbeta);
  }

 private:
  enum Place : std::uint8_t { mean, variance, rstd, dgamma, dbeta };  // in the workspace
  static constexpr Index parts = 5;

  Index room() const { return round_up(s_.features.channels, alignment); }
  T* place(const Flow<T>& flow, Place which) const { return flow.workspace + which * room(); }
  T* state(const Flow<T>& flow, int tensor) const {
    return flow.state + this->tensors_[static_cast<std::size_t>(tensor)].offset;
  }
  const T* parameter(const Flow<T>& flow, int tensor) const {
    return tensor < 0 ? nullptr : flow.parameters + this->tensors_[static_cast<std::size_t>(tensor)].offset;
  }
  BatchNormBackward<T> backward(Index rows, const Flow<T>& flow) const {
    return {.rows = rows,
            .features = s_.features,
            .gamma = parameter(flow, gamma_),
            .mean = place(flow, mean),
            .rstd = place(flow, rstd),
            .x = flow.x,
            .dy = flow.dy,
            .dgamma = place(flow, dgamma),
            .dbeta = place(flow, dbeta)};
  }

  Settings s_;
  int gamma_ = -1, beta_ = -1, mean_, variance_, steps_;
};

}  // namespace fastopt
