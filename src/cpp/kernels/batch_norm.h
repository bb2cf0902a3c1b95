// Batch normalisation (Ioffe, Szegedy, 2015): each channel by its moments over all rows and all of space.
#pragma once

#include "kernels/normalization.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void inverse_deviation(const T* variance, T epsilon, T* rstd, Index size) {
  for_each_vector<T>(
      size, [&](Index i, auto load, auto store) { store(Vec<T>(1) / sqrt(load(variance + i) + epsilon), rstd + i); });
}

// Joins mean and sum of centred squares of `count` new elements to those of the `seen` ones (Chan, Golub, LeVeque,
// 1979).
template <class T, class V>
[[gnu::always_inline]] inline void join_moments(Index seen, Index count, const V& new_mean, const V& new_squares,
                                                V& mean, V& squares) {
  const T part = static_cast<T>(count) / static_cast<T>(seen + count);
  const V distance = new_mean - mean;
  mean += distance * part;
  squares += new_squares + distance * distance * (static_cast<T>(seen) * part);
}

// Each block in two passes, while it is in cache. The first takes distances from the first element, so that elements
// close together but far from zero do not lose the mean to rounding.
template <class T>
void batch_moments(const BatchMoments<T>& p, Range channels) {
  using V = Vec<T>;
  const Features& f = p.features;
  std::fill(p.mean + channels.begin, p.mean + channels.end, T(0));
  std::fill(p.variance + channels.begin, p.variance + channels.end, T(0));
  Index seen = 0;
  if (across(f)) {
    for_each_block(p.rows, f.space, block_across, [&](Range some, Range space) {
      const Index count = some.size() * space.size();
      const T size = static_cast<T>(count);
      for_each_panel<T>(channels, [&](const auto& panel) {
        constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
        V center[vectors], sum[vectors] = {};
        const auto pass = [&](auto power) {
          for (Index i = some.begin; i < some.end; ++i) {
            const T* x = p.x.row(i) + space.begin * f.channels;
            for (Index s = 0; s < space.size(); ++s, x += f.channels) {
              panel.each([&](auto k, auto load, auto)
                             __attribute__((always_inline)) { sum[k] += power(load(x) - center[k]); });
            }
          }
        };
        const T* first = p.x.row(some.begin) + space.begin * f.channels;
        panel.each([&](auto k, auto load, auto) { center[k] = load(first); });
        pass([](const V& v) { return v; });
        unroll<vectors>([&](auto k) {
          center[k] += sum[k] / size;
          sum[k] = V(0);
        });
        pass([](const V& v) { return v * v; });
        panel.each([&](auto k, auto load, auto store) {
          V mean = load(p.mean), squares = load(p.variance);
          join_moments<T>(seen, count, center[k], sum[k], mean, squares);
          store(mean, p.mean);
          store(squares, p.variance);
        });
      });
      seen += count;
    });
  } else {
    for_each_block(p.rows, f.space, block_along, [&](Range some, Range space) {
      const Index count = some.size() * space.size();
      for (Index c = channels.begin; c < channels.end; ++c) {
        const auto pass = [&](T center, auto power) {
          Sums<T, 1> sums;
          const V m = center;
          for (Index i = some.begin; i < some.end; ++i) {
            const T* x = p.x.row(i) + c * f.space + space.begin;
            sums.add(space.size(), [&](Index s, auto load) { return std::array{V(power(load(x + s) - m))}; });
          }
          return sums.total(0);
        };
        T mean = p.x.row(some.begin)[c * f.space + space.begin];
        mean += pass(mean, [](const V& v) { return v; }) / static_cast<T>(count);
        join_moments<T>(seen, count, mean, pass(mean, [](const V& v) { return v * v; }), p.mean[c], p.variance[c]);
      }
      seen += count;
    });
  }
  for (Index c = channels.begin; c < channels.end; ++c) {
    p.variance[c] /= static_cast<T>(seen);
  }
  inverse_deviation<T>(p.variance + channels.begin, p.epsilon, p.rstd + channels.begin, channels.size());
}

// Coefficients of y = scale x + shift, of a vector of channels or of one.
template <class V, class T, class Load>
[[gnu::always_inline]] inline std::array<V, 2> coefficients(const BatchNorm<T>& p, Load&& at) {
  const auto value = [&](const T* values, T absent) { return values ? V(at(values)) : V(absent); };
  const V scale = value(p.gamma, 1) * value(p.rstd, 1);
  return {scale, value(p.beta, 0) - value(p.mean, 0) * scale};
}

template <class T>
void batch_norm(const BatchNorm<T>& p) {
  using V = Vec<T>;
  const Features& f = p.features;
  if (across(f)) {
    for_each_block(p.rows, f.space, block_across, [&](Range some, Range space) {
      for_each_panel<T>({0, f.channels}, [&](const auto& panel) {
        constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
        std::array<V, 2> c[vectors];
        panel.each([&](auto k, auto load, auto) { c[k] = coefficients<V>(p, load); });
        for (Index i = some.begin; i < some.end; ++i) {
          const T* x = p.x.row(i) + space.begin * f.channels;
          T* y = p.y.row(i) + space.begin * f.channels;
          for (Index s = 0; s < space.size(); ++s, x += f.channels, y += f.channels) {
            panel.each([&](auto k, auto load, auto store)
                           __attribute__((always_inline)) { store(load(x) * c[k][0] + c[k][1], y); });
          }
        }
      });
    });
  } else {
    for (Index i = 0; i < p.rows; ++i) {
      for (Index c = 0; c < f.channels; ++c) {
        const auto [scale, shift] = coefficients<T>(p, [&](const T* values) { return values[c]; });
        const T* x = p.x.row(i) + c * f.space;
        T* y = p.y.row(i) + c * f.space;
        const V a = scale, b = shift;
        for_each_vector<T>(f.space, [&](Index s, auto load, auto store) { store(load(x + s) * a + b, y + s); });
      }
    }
  }
}

template <class T>
struct ChannelMoments {
  const T *mean, *rstd;

  template <class P>
  void of_channels(const P& panel, Vec<T>* m, Vec<T>* r) const {
    panel.each([&](auto k, auto load, auto) {
      m[k] = load(mean);
      r[k] = load(rstd);
    });
  }
  template <class P>
  void of_row(const P&, Index, Vec<T>*, Vec<T>*) const {}
  std::pair<T, T> at(Index, Index c) const { return {mean[c], rstd[c]}; }
};

template <class T>
void batch_norm_sums(const BatchNormBackward<T>& p, Range channels) {
  std::fill(p.dgamma + channels.begin, p.dgamma + channels.end, T(0));
  std::fill(p.dbeta + channels.begin, p.dbeta + channels.end, T(0));
  parameter_sums<T>(p.rows, p.features, p.x, p.dy, ChannelMoments<T>{p.mean, p.rstd}, channels, p.dgamma, p.dbeta);
}

// Coefficients of dx = a dy + b x + c.
template <class V, class T, class Load>
[[gnu::always_inline]] inline std::array<V, 3> coefficients(const BatchNormBackward<T>& p, Load&& at) {
  const V rstd = at(p.rstd);
  const V a = p.gamma ? V(at(p.gamma)) * rstd : rstd;
  if (p.count == 0) {
    return {a, V(0), V(0)};
  }
  const V share = a / static_cast<T>(p.count);
  const V b = -(share * rstd * V(at(p.dgamma)));
  return {a, b, -(share * V(at(p.dbeta))) - b * V(at(p.mean))};
}

template <class T>
void batch_norm_backward(const BatchNormBackward<T>& p) {
  using V = Vec<T>;
  const Features& f = p.features;
  if (across(f)) {
    for_each_block(p.rows, f.space, block_across, [&](Range some, Range space) {
      for_each_panel<T>({0, f.channels}, [&](const auto& panel) {
        constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
        std::array<V, 3> c[vectors];
        panel.each([&](auto k, auto load, auto) { c[k] = coefficients<V>(p, load); });
        for (Index i = some.begin; i < some.end; ++i) {
          const Index from = space.begin * f.channels;
          const T *x = p.x.row(i) + from, *dy = p.dy.row(i) + from;
          T* dx = p.dx.row(i) + from;
          for (Index s = 0; s < space.size(); ++s, x += f.channels, dy += f.channels, dx += f.channels) {
            panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
              store(c[k][0] * load(dy) + (c[k][1] * load(x) + c[k][2]), dx);
            });
          }
        }
      });
    });
  } else {
    for (Index i = 0; i < p.rows; ++i) {
      for (Index channel = 0; channel < f.channels; ++channel) {
        const auto [a, b, c] = coefficients<T>(p, [&](const T* values) { return values[channel]; });
        const T *x = p.x.row(i) + channel * f.space, *dy = p.dy.row(i) + channel * f.space;
        T* dx = p.dx.row(i) + channel * f.space;
        const V va = a, vb = b, vc = c;
        for_each_vector<T>(f.space, [&](Index s, auto load, auto store) {
          store(va * load(dy + s) + (vb * load(x + s) + vc), dx + s);
        });
      }
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
