// Normalisation of each row by itself, over groups of channels (Wu and He, Group normalization, ECCV 2018): one group
// is layer normalisation (Ba, Kiros and Hinton, 2016), one for each channel instance normalisation (Ulyanov, Vedaldi
// and Lempitsky, 2016); without centring RMS normalisation (Zhang and Sennrich, NeurIPS 2019).
#pragma once

#include "kernels/norm/args.h"
#include "nn/layer.h"

namespace fastopt {

template <class T>
class GroupNormalization final : public Layer<T> {
 public:
  struct Settings {
    Features features;
    Index groups;
    double epsilon;
    bool centred, scale, center;  // whether the mean is taken off, and whether there are gamma and beta
    bool per_element;             // gamma and beta of each element, not of each channel
  };

  explicit GroupNormalization(const Settings& settings)
      : Layer<T>(settings.features.size(), settings.features.size()), s_(settings) {
    if (s_.features.channels % s_.groups != 0) {
      throw std::invalid_argument(std::to_string(s_.features.channels) + " channels cannot be split into " +
                                  std::to_string(s_.groups) + " groups");
    }
    const Index size = s_.per_element ? s_.features.size() : s_.features.channels;
    if (s_.scale) {
      gamma_ = this->add_tensor("gamma", {size});
    }
    if (s_.center) {
      beta_ = this->add_tensor("beta", {size});
    }
  }

  Index kept() const override { return 2 * s_.groups; }

  void forward(Index rows, const Flow<T>& flow) const override {
    kernels<T>().group_norm.forward({.rows = rows,
                                     .groups = s_.groups,
                                     .features = features(),
                                     .centred = s_.centred,
                                     .epsilon = static_cast<T>(s_.epsilon),
                                     .gamma = parameter(flow, gamma_),
                                     .beta = parameter(flow, beta_),
                                     .x = flow.x,
                                     .y = flow.y,
                                     .moments = flow.kept});
    this->activate(rows, flow);
  }

  void backward_input(Index rows, const Flow<T>& flow) const override {
    GroupNormBackward<T> b = backward(rows, flow);
    b.dx = flow.dx;
    kernels<T>().group_norm.backward(b);
    this->differentiate(rows, flow);
  }

  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override {
    const Range mine = team.split(features().channels, alignment);
    if (mine.size() == 0 || (gamma_ < 0 && beta_ < 0)) {
      return true;
    }
    GroupNormBackward<T> b = backward(batch, flow);
    b.dgamma = gamma_ < 0 ? nullptr : flow.gradients + offset(gamma_);
    b.dbeta = beta_ < 0 ? nullptr : flow.gradients + offset(beta_);
    kernels<T>().group_norm.sums(b, mine);
    const auto finish = [&](int tensor) {
      return tensor < 0 || done({offset(tensor) + mine.begin, offset(tensor) + mine.end});
    };
    return finish(gamma_) && finish(beta_);
  }

 private:
  // With parameters of each element, each counts as a channel.
  Features features() const { return s_.per_element ? Features{s_.features.size()} : s_.features; }
  Index offset(int tensor) const { return this->tensors_[static_cast<std::size_t>(tensor)].offset; }
  const T* parameter(const Flow<T>& flow, int tensor) const {
    return tensor < 0 ? nullptr : flow.parameters + offset(tensor);
  }
  GroupNormBackward<T> backward(Index rows, const Flow<T>& flow) const {
    return {.rows = rows,
            .groups = s_.groups,
            .features = features(),
            .centred = s_.centred,
            .gamma = parameter(flow, gamma_),
            .x = flow.x,
            .dy = flow.dy,
            .moments = {flow.kept.data, flow.kept.stride}};
  }

  Settings s_;
  int gamma_ = -1, beta_ = -1;
};

}  // namespace fastopt
