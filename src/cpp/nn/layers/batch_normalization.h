// Normalisation over the rows of a batch (Ioffe and Szegedy, ICML 2015): for each channel
// y = gamma (x - mean) / sqrt(variance + epsilon) + beta. In inference the moments are running means: mean <- m mean +
// (1 - m) mean of the batch; or those of all samples, where the batch is that.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/norm/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

struct BatchNormalization {
  Features features;
  double momentum, epsilon;
  bool scale, center;  // whether there are gamma and beta
  bool corrected;      // whether the running means are divided by 1 - m^t, as they start from 0
};

namespace batch_normalization_phases {

// The workspace: of each channel the moments and the sums of the gradients.
template <class T>
struct Moments {
  T *mean, *variance, *rstd, *dgamma, *dbeta;

  static Index size(Index channels) { return 5 * round_up(channels, alignment); }
  Moments(T* workspace, Index channels) {
    for (T** place : {&mean, &variance, &rstd, &dgamma, &dbeta}) {
      *place = workspace;
      workspace += round_up(channels, alignment);
    }
  }
};

struct Places {  // of the tensors
  int gamma = -1, beta = -1, mean, variance, steps;
};

// The layer's settings with what its phases have in common.
template <class T>
struct Norm {
  BatchNormalization s;
  Places at;

  Moments<T> moments(const View<T>& v) const { return {v.workspace, s.features.channels}; }
  // So many steps that nothing is left of the start.
  static constexpr T exact = T(1e30);
  Range share(const Team& team) const { return team.split(s.features.channels, alignment); }
  static bool joins(const View<T>& v) { return v.slab.shards && v.slab.shards->joins; }
  // f(rows, two vectors of numbers for each channel) for the shards that are here.
  template <class F>
  void for_each_shard(const View<T>& v, F&& f) const {
    const Index channels = s.features.channels;
    for (Index i = 0; i < v.slab.shards->count; ++i) {
      T* const numbers = v.slab.measured + (v.slab.shards->first + i) * 2 * channels;
      f(v.slab.shards->of(i), numbers, numbers + channels);
    }
  }
  BatchNormBackward<T> backward(const View<T>& v) const {
    const Moments<T> m = moments(v);
    return {.rows = v.rows,
            .features = s.features,
            .gamma = v.tensors.parameter(at.gamma),
            .mean = m.mean,
            .rstd = m.rstd,
            .x = v.in[0].x,
            .dy = v.out.dy,
            .dgamma = m.dgamma,
            .dbeta = m.dbeta};
  }

  // Those of the batch; or of each of its shards, and then of all.
  Phase<T> measure() const {
    Phase<T> phase = over_columns<T>([*this](const View<T>& v, const Team& team) {
      const Moments<T> m = moments(v);
      BatchMoments<T> args{.rows = v.rows,
                           .features = s.features,
                           .x = v.in[0].x,
                           .epsilon = static_cast<T>(s.epsilon),
                           .mean = m.mean,
                           .variance = m.variance,
                           .rstd = m.rstd};
      if (!joins(v)) {
        kernels<T>().batch_norm.moments(args, share(team));
        return;
      }
      if (v.slab.joined) {
        join_moments(v, share(team));
        return;
      }
      for_each_shard(v, [&](Range rows, T* mean, T* variance) {
        args.rows = rows.size();
        args.x = v.in[0].x.from(rows.begin);
        args.mean = mean;
        args.variance = variance;
        kernels<T>().batch_norm.moments(args, share(team));
      });
    });
    phase.measures = true;
    return phase;
  }

  // Those of all shards from those of each (Chan, Golub, LeVeque, 1979).
  void join_moments(const View<T>& v, Range mine) const {
    const Moments<T> m = moments(v);
    for (Index c = mine.begin; c < mine.end; ++c) {
      double seen = 0, mean = 0, squares = 0;
      for (std::size_t i = 0; i < v.slab.shards->rows.size(); ++i) {
        const T* const of_shard = v.slab.measured + static_cast<Index>(i) * 2 * s.features.channels + c;
        const double rows = static_cast<double>(v.slab.shards->rows[i]), all = seen + rows;
        const double distance = static_cast<double>(of_shard[0]) - mean;
        mean += distance * (rows / all);
        squares +=
            static_cast<double>(of_shard[s.features.channels]) * rows + distance * distance * (seen * rows / all);
        seen = all;
      }
      m.mean[c] = static_cast<T>(mean);
      m.variance[c] = static_cast<T>(squares / seen);
    }
    kernels<T>().batch_norm.inverse_deviation(m.variance + mine.begin, static_cast<T>(s.epsilon), m.rstd + mine.begin,
                                              mine.size());
  }

  // Or the running ones.
  Phase<T> recall() const {
    return over_parameters<T>([*this](const View<T>& v, const Team& team) {
      const Moments<T> m = moments(v);
      const Range mine = share(team);
      const double t = static_cast<double>(*v.tensors.state(at.steps));
      const double part = s.corrected && t > 0 ? 1 - std::pow(s.momentum, t) : 1;
      for (Index c = mine.begin; c < mine.end; ++c) {
        m.mean[c] = static_cast<T>(static_cast<double>(v.tensors.state(at.mean)[c]) / part);
        m.variance[c] = static_cast<T>(static_cast<double>(v.tensors.state(at.variance)[c]) / part);
      }
      kernels<T>().batch_norm.inverse_deviation(m.variance + mine.begin, static_cast<T>(s.epsilon), m.rstd + mine.begin,
                                                mine.size());
    });
  }

  Phase<T> normalize() const {
    return over_rows<T>([*this](const View<T>& v) {
      const Moments<T> m = moments(v);
      kernels<T>().batch_norm.forward({.rows = v.rows,
                                       .features = s.features,
                                       .gamma = v.tensors.parameter(at.gamma),
                                       .beta = v.tensors.parameter(at.beta),
                                       .mean = m.mean,
                                       .rstd = m.rstd,
                                       .x = v.in[0].x,
                                       .y = v.out.y});
      activate(v);
    });
  }

  Phase<T> sum(bool fixed) const {
    Phase<T> phase = over_columns<T>([*this, fixed](const View<T>& v, const Team& team) {
      BatchNormBackward<T> args = backward(v);
      if (fixed || !joins(v)) {
        kernels<T>().batch_norm.sums(args, share(team));
        return;
      }
      if (v.slab.joined) {
        join_sums(v, share(team));
        return;
      }
      for_each_shard(v, [&](Range rows, T* dgamma, T* dbeta) {
        args = backward(v).part(rows);
        args.dgamma = dgamma;
        args.dbeta = dbeta;
        kernels<T>().batch_norm.sums(args, share(team));
      });
    });
    phase.measures = !fixed;
    return phase;
  }

  void join_sums(const View<T>& v, Range mine) const {
    const Moments<T> m = moments(v);
    for (Index c = mine.begin; c < mine.end; ++c) {
      double dgamma = 0, dbeta = 0;
      for (std::size_t i = 0; i < v.slab.shards->rows.size(); ++i) {
        const T* const of_shard = v.slab.measured + static_cast<Index>(i) * 2 * s.features.channels + c;
        dgamma += static_cast<double>(of_shard[0]);
        dbeta += static_cast<double>(of_shard[s.features.channels]);
      }
      m.dgamma[c] = static_cast<T>(dgamma);
      m.dbeta[c] = static_cast<T>(dbeta);
    }
  }

  Phase<T> differentiate_input(bool fixed) const {
    return over_rows<T>([*this, fixed](const View<T>& v) {
      BatchNormBackward<T> b = backward(v);
      b.dx = v.in[0].dx;
      b.count = fixed ? 0 : v.slab.batch * s.features.space;
      kernels<T>().batch_norm.backward(b);
      differentiate(v);
    });
  }

  // The gradient, and where the moments are those of the batch, the step of the running ones. The gradient of all
  // shards that were measured together is that of the first of them.
  Phase<T> finish(bool fixed) const {
    return over_parameters<T>([*this, fixed](const View<T>& v, const Team& team) {
      const Moments<T> m = moments(v);
      const Range mine = share(team);
      const bool first = !v.slab.shards || v.slab.first == v.slab.shards->before();
      const bool gives = first && (!joins(v) || v.slab.first == 0);
      if (!fixed && first) {
        const T part = v.slab.all ? T(1) : static_cast<T>(1 - s.momentum);
        T *const mean = v.tensors.state(at.mean), *const variance = v.tensors.state(at.variance);
        for (Index c = mine.begin; c < mine.end; ++c) {
          mean[c] += part * (m.mean[c] - mean[c]);
          variance[c] += part * (m.variance[c] - variance[c]);
        }
        if (team.rank() == 0) {
          T& steps = *v.tensors.state(at.steps);
          steps = v.slab.all ? std::max(steps, exact) : steps + 1;
        }
      }
      const auto take = [&](int tensor, const T* sums) {
        if (tensor >= 0 && mine.size() > 0) {
          const Index offset = v.tensors.offset(tensor);
          T* const gradient = v.sink->gradients() + offset;
          std::transform(sums + mine.begin, sums + mine.end, gradient + mine.begin,
                         [=](T value) { return gives ? value : T(0); });
          v.sink->take(team, {offset + mine.begin, offset + mine.end});
        }
      };
      take(at.gamma, m.dgamma);
      take(at.beta, m.dbeta);
    });
  }
};

}  // namespace batch_normalization_phases

template <class T>
Layer<T> batch_normalization(const BatchNormalization& settings) {
  const Index channels = settings.features.channels, size = settings.features.size();
  Layer<T> layer{.outputs = size, .cost = elementwise_cost * static_cast<double>(size)};
  batch_normalization_phases::Norm<T> norm{settings, {}};
  if (settings.scale) {
    norm.at.gamma = add_tensor(layer, "gamma", {channels});
  }
  if (settings.center) {
    norm.at.beta = add_tensor(layer, "beta", {channels});
  }
  norm.at.mean = add_tensor(layer, "moving_mean", {channels}, false);
  norm.at.variance = add_tensor(layer, "moving_variance", {channels}, false);
  norm.at.steps = add_tensor(layer, "steps", {1}, false);
  layer.workspace = [=] { return batch_normalization_phases::Moments<T>::size(channels); };
  layer.measures = 2 * channels;
  layer.training = {
      {norm.measure(), norm.normalize()}, {norm.sum(false), norm.differentiate_input(false)}, {norm.finish(false)}};
  layer.inference = {
      {norm.recall(), norm.normalize()}, {norm.sum(true), norm.differentiate_input(true)}, {norm.finish(true)}};
  return layer;
}

template <class T>
Kinds<T> batch_normalization_kinds() {
  return {{"batch_normalization", {[](Sizes in, const LayerSpec&, Numbers& n) {
             return batch_normalization<T>({.features = features(in[0], n),
                                            .momentum = n.real("momentum"),
                                            .epsilon = n.real("epsilon"),
                                            .scale = n.flag("scale"),
                                            .center = n.flag("center"),
                                            .corrected = n.flag("bias_correction")});
           }}}};
}

}  // namespace fastopt
