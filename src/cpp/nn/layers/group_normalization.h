// Normalisation of each row by itself, over groups of channels (Wu and He, Group normalization, ECCV 2018): one group
// is layer normalisation (Ba, Kiros and Hinton, 2016), one for each channel instance normalisation (Ulyanov, Vedaldi
// and Lempitsky, 2016); without centring RMS normalisation (Zhang and Sennrich, NeurIPS 2019).
#pragma once

#include <stdexcept>

#include "kernels/norm/args.h"
#include "nn/layer.h"

namespace fastopt {

struct GroupNormalization {
  Features features;
  Index groups;
  double epsilon;
  bool centred, scale, center;  // whether the mean is taken off, and whether there are gamma and beta
  bool per_element;             // gamma and beta of each element, not of each channel
};

template <class T>
Layer<T> group_normalization(const GroupNormalization& s) {
  if (s.features.channels % s.groups != 0) {
    throw std::invalid_argument(std::to_string(s.features.channels) + " channels cannot be split into " +
                                std::to_string(s.groups) + " groups");
  }
  // With parameters of each element, each counts as a channel.
  const Features features = s.per_element ? Features{s.features.size()} : s.features;
  const auto moments = [](const View<T>& v) {
    const Rows<std::byte>& saved = v.out.saved;
    return Rows<T>{reinterpret_cast<T*>(saved.data), saved.stride / static_cast<Index>(sizeof(T)), nullptr};
  };
  Layer<T> layer = row_layer<T>(s.features.size(), {}, {});
  const int gamma = s.scale ? add_tensor(layer, "gamma", {features.channels}) : -1;
  const int beta = s.center ? add_tensor(layer, "beta", {features.channels}) : -1;
  layer.saved = 2 * s.groups * static_cast<Index>(sizeof(T));

  const auto backward = [=](const View<T>& v) {
    const Rows<T> m = moments(v);
    return GroupNormBackward<T>{.rows = v.rows,
                                .groups = s.groups,
                                .features = features,
                                .centred = s.centred,
                                .gamma = v.tensors.parameter(gamma),
                                .x = v.in[0].x,
                                .dy = v.out.dy,
                                .moments = {m.data, m.stride}};
  };
  Phases<T> phases;
  phases.forward.push_back(over_rows<T>([=](const View<T>& v) {
    kernels<T>().group_norm.forward({.rows = v.rows,
                                     .groups = s.groups,
                                     .features = features,
                                     .centred = s.centred,
                                     .epsilon = static_cast<T>(s.epsilon),
                                     .gamma = v.tensors.parameter(gamma),
                                     .beta = v.tensors.parameter(beta),
                                     .x = v.in[0].x,
                                     .y = v.out.y,
                                     .moments = moments(v)});
    activate(v);
  }));
  phases.backward.push_back(over_rows<T>([=](const View<T>& v) {
    GroupNormBackward<T> b = backward(v);
    b.dx = v.in[0].dx;
    kernels<T>().group_norm.backward(b);
    differentiate(v);
  }));
  if (s.scale || s.center) {
    phases.gradient.push_back(over_parameters<T>([=](const View<T>& v, const Team& team) {
      const Range mine = team.split(features.channels, alignment);
      if (mine.size() == 0) {
        return;
      }
      const auto place = [&](int tensor) {
        return tensor < 0 ? nullptr : v.sink->gradients() + v.tensors.offset(tensor);
      };
      GroupNormBackward<T> b = backward(v);
      b.dgamma = place(gamma);
      b.dbeta = place(beta);
      kernels<T>().group_norm.sums(b, mine);
      for (const int tensor : {gamma, beta}) {
        if (tensor >= 0) {
          const Index offset = v.tensors.offset(tensor);
          v.sink->take(team, {offset + mine.begin, offset + mine.end});
        }
      }
    }));
  }
  layer.training = layer.inference = std::move(phases);
  return layer;
}

}  // namespace fastopt
