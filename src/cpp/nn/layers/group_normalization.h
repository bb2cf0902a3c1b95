// Normalisation of each row by itself, over groups of channels (Wu and He, Group normalization, ECCV 2018): one group
// is layer normalisation (Ba, Kiros and Hinton, 2016), one for each channel instance normalisation (Ulyanov, Vedaldi
// and Lempitsky, 2016); without centring RMS normalisation (Zhang and Sennrich, NeurIPS 2019).
#pragma once

#include <stdexcept>
#include <type_traits>

#include "kernels/norm/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

struct GroupNormalization {
  Features features;
  Index groups;
  double epsilon;
  bool centred, scale, center;  // whether the mean is taken off, and whether there are gamma and beta
  bool per_element;             // gamma and beta of each element, not of each channel
  Index places = 1;             // rows are so many samples side by side, each of which has these features
};

// f(args) for each row, whose places are the rows in the arguments.
template <class Args, class F>
void by_place(Args args, Index places, Index size, Index saved, F&& f) {
  const Args whole = args;
  const auto at = [](const auto& rows, Index i, Index stride) {
    return std::decay_t<decltype(rows)>{rows.data ? rows.row(i) : nullptr, stride, nullptr};
  };
  for (Index i = 0; i < whole.rows; ++i) {
    args.rows = places;
    args.x = at(whole.x, i, size);
    args.moments = at(whole.moments, i, saved);
    if constexpr (requires { args.y; }) {
      args.y = at(whole.y, i, size);
    } else {
      args.dy = at(whole.dy, i, size);
      args.dx = at(whole.dx, i, size);
      args.add = whole.add || i > 0;
    }
    f(args);
  }
}

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
  const auto call = [=](const auto& args, auto&& kernel) {
    if (s.places == 1) {
      kernel(args);
    } else {
      by_place(args, s.places, s.features.size(), 2 * s.groups, kernel);
    }
  };
  Layer<T> layer = row_layer<T>(checked_product(s.places, s.features.size()), {}, {});
  const int gamma = s.scale ? add_tensor(layer, "gamma", {features.channels}) : -1;
  const int beta = s.center ? add_tensor(layer, "beta", {features.channels}) : -1;
  layer.saved = 2 * s.groups * s.places * static_cast<Index>(sizeof(T));

  const auto backward = [=](const View<T>& v) {
    return GroupNormBackward<T>{.rows = v.rows,
                                .groups = s.groups,
                                .features = features,
                                .centred = s.centred,
                                .gamma = v.tensors.parameter(gamma),
                                .x = v.in[0].x,
                                .dy = v.out.dy,
                                .moments = moments(v)};
  };
  Phases<T> phases;
  phases.forward.push_back(over_rows<T>([=](const View<T>& v) {
    const GroupNorm<T> all{.rows = v.rows,
                           .groups = s.groups,
                           .features = features,
                           .centred = s.centred,
                           .epsilon = static_cast<T>(s.epsilon),
                           .gamma = v.tensors.parameter(gamma),
                           .beta = v.tensors.parameter(beta),
                           .x = v.in[0].x,
                           .y = v.out.y,
                           .moments = moments(v)};
    call(all, [](const GroupNorm<T>& some) { kernels<T>().group_norm.forward(some); });
    activate(v);
  }));
  phases.backward.push_back(over_rows<T>([=](const View<T>& v) {
    GroupNormBackward<T> b = backward(v);
    b.dx = v.in[0].dx;
    call(b, [](const GroupNormBackward<T>& some) { kernels<T>().group_norm.backward(some); });
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
      call(b, [=](const GroupNormBackward<T>& some) { kernels<T>().group_norm.sums(some, mine); });
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

template <class T>
Kinds<T> group_normalization_kinds() {
  return {{"group_normalization", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const auto places = static_cast<Index>(n.optional("places", 1));
             return group_normalization<T>({.features = features(in[0] / places, n),
                                            .groups = n.count("groups"),
                                            .epsilon = n.real("epsilon"),
                                            .centred = n.flag("centred"),
                                            .scale = n.flag("scale"),
                                            .center = n.flag("center"),
                                            .per_element = n.flag("per_element"),
                                            .places = places});
           }}}};
}

}  // namespace fastopt
