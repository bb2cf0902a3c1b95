// Batch normalisation (Ioffe, Szegedy, 2015): each channel by its moments over all rows and all of space.
#pragma once

#include "kernels/norm/args.h"
#include "kernels/norm/panels.h"

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

// Joins the moments of a block to those of the `seen` elements of each channel before it: in two passes, while the
// block is in cache. The first takes distances from the first element, so that elements close together but far from
// zero do not lose the mean to rounding.
template <class T, class P>
[[gnu::noinline]] void join_panel(P panel, ChannelBlock block, Index channels, Rows<const T> x, Index seen, T* means,
                                  T* squares) {
  using V = Vec<T>;
  V center[P::vectors], sum[P::vectors];
  const Index from = block.space.begin * channels + panel.first;
  const auto pass = [&](auto power) __attribute__((always_inline)) {
    unroll<P::vectors>([&](auto k) __attribute__((always_inline)) { sum[k] = V(0); });
    for (Index i = block.rows.begin; i < block.rows.end; ++i) {
      const T* values = x.row(i) + from;
      for (Index s = 0; s < block.space.size(); ++s, values += channels) {
        panel.each([&](auto k, auto load, auto)
                       __attribute__((always_inline)) { sum[k] += power(load(values) - center[k]); });
      }
    }
  };
  const T* const first = x.row(block.rows.begin) + from;
  panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) { center[k] = load(first); });
  pass([](const V& v) __attribute__((always_inline)) { return v; });
  const T share = T(1) / static_cast<T>(block.size());
  unroll<P::vectors>([&](auto k) __attribute__((always_inline)) { center[k] += sum[k] * share; });
  pass([](const V& v) __attribute__((always_inline)) { return v * v; });
  panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
    V mean = load(means + panel.first), square = load(squares + panel.first);
    join_moments<T>(seen, block.size(), center[k], sum[k], mean, square);
    store(mean, means + panel.first);
    store(square, squares + panel.first);
  });
}

template <class T>
void join_channel(Index c, ChannelBlock block, Index space, Rows<const T> x, Index seen, T* means, T* squares) {
  using V = Vec<T>;
  const Index from = c * space + block.space.begin;
  const auto pass = [&](T center, auto power) __attribute__((always_inline)) {
    Sums<T, 1> sums;
    const V m = center;
    for (Index i = block.rows.begin; i < block.rows.end; ++i) {
      const T* values = x.row(i) + from;
      sums.add(block.space.size(),
               [&](Index s, auto load, V& sum) __attribute__((always_inline)) { sum += power(load(values + s) - m); });
    }
    return sums.total(0);
  };
  T mean = x.row(block.rows.begin)[from];
  mean += pass(mean, [](const V& v) __attribute__((always_inline)) { return v; }) / static_cast<T>(block.size());
  const T square = pass(mean, [](const V& v) __attribute__((always_inline)) { return v * v; });
  join_moments<T>(seen, block.size(), mean, square, means[c], squares[c]);
}

template <class T>
void batch_moments(const BatchMoments<T>& p, Range channels) {
  const Features& f = p.features;
  std::fill(p.mean + channels.begin, p.mean + channels.end, T(0));
  std::fill(p.variance + channels.begin, p.variance + channels.end, T(0));
  Index seen = 0;
  for_each_block(p.rows, f.space, across(f) ? block_across : block_along, [&](const ChannelBlock& block) {
    if (across(f)) {
      for_each_panel<T>(
          channels, [&](const auto& panel) { join_panel<T>(panel, block, f.channels, p.x, seen, p.mean, p.variance); });
    } else {
      for (Index c = channels.begin; c < channels.end; ++c) {
        join_channel<T>(c, block, f.space, p.x, seen, p.mean, p.variance);
      }
    }
    seen += block.size();
  });
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

// Whole rows pass by, or as much of them as the coefficients in the first cache are for: memory, and the caches but the
// first, are read ahead only along long runs.
template <class T>
inline constexpr Index channels_at_once = 4096 / sizeof(T);

// Calls f(channels) for ranges of as many.
template <class T, class F>
[[gnu::always_inline]] inline void for_channel_ranges(Index channels, F&& f) {
  for (Index first = 0; first < channels; first += channels_at_once<T>) {
    f(Range{first, std::min(first + channels_at_once<T>, channels)});
  }
}

template <class T>
[[gnu::noinline]] void normalize_across(const BatchNorm<T>& p, Range range) {
  using V = Vec<T>;
  T scale[channels_at_once<T>], shift[channels_at_once<T>];
  for_each_vector<T>(range.size(), [&](Index j, auto load, auto store) __attribute__((always_inline)) {
    const auto c = coefficients<V>(
        p, [&](const T* values) __attribute__((always_inline)) { return load(values + range.begin + j); });
    store(c[0], scale + j);
    store(c[1], shift + j);
  });
  const Index channels = p.features.channels, space = p.features.space;
  for (Index i = 0; i < p.rows; ++i) {
    const T* x = p.x.row(i) + range.begin;
    T* y = p.y.row(i) + range.begin;
    for (Index s = 0; s < space; ++s, x += channels, y += channels) {
      for_each_vector<T>(range.size(), [&](Index j, auto load, auto store) __attribute__((always_inline)) {
        store(load(x + j) * load(scale + j) + load(shift + j), y + j);
      });
    }
  }
}

template <class T>
void batch_norm(const BatchNorm<T>& p) {
  using V = Vec<T>;
  const Features& f = p.features;
  if (across(f)) {
    for_channel_ranges<T>(f.channels, [&](Range range) { normalize_across(p, range); });
    return;
  }
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

template <class T>
struct ChannelMoments {
  static constexpr bool by_row = false;
  const T *mean, *rstd;

  template <class P>
  [[gnu::always_inline]] void of_channels(const P& panel, Vec<T>* m) const {
    panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) { m[k] = load(mean + panel.first); });
  }
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
[[gnu::noinline]] void differentiate_across(const BatchNormBackward<T>& p, Range range) {
  using V = Vec<T>;
  T a[channels_at_once<T>], b[channels_at_once<T>], c[channels_at_once<T>];
  for_each_vector<T>(range.size(), [&](Index j, auto load, auto store) __attribute__((always_inline)) {
    const auto of = coefficients<V>(
        p, [&](const T* values) __attribute__((always_inline)) { return load(values + range.begin + j); });
    store(of[0], a + j);
    store(of[1], b + j);
    store(of[2], c + j);
  });
  const Index channels = p.features.channels, space = p.features.space;
  for (Index i = 0; i < p.rows; ++i) {
    const T *x = p.x.row(i) + range.begin, *dy = p.dy.row(i) + range.begin;
    T* dx = p.dx.row(i) + range.begin;
    for (Index s = 0; s < space; ++s, x += channels, dy += channels, dx += channels) {
      for_each_vector<T>(range.size(), [&](Index j, auto load, auto store) __attribute__((always_inline)) {
        store(load(a + j) * load(dy + j) + (load(b + j) * load(x + j) + load(c + j)), dx + j);
      });
    }
  }
}

template <class T>
void batch_norm_backward(const BatchNormBackward<T>& p) {
  using V = Vec<T>;
  const Features& f = p.features;
  if (across(f)) {
    for_channel_ranges<T>(f.channels, [&](Range range) { differentiate_across(p, range); });
    return;
  }
  for (Index i = 0; i < p.rows; ++i) {
    for (Index channel = 0; channel < f.channels; ++channel) {
      const auto [a, b, c] = coefficients<T>(p, [&](const T* values) { return values[channel]; });
      const Index from = channel * f.space;
      const T *x = p.x.row(i) + from, *dy = p.dy.row(i) + from;
      T* dx = p.dx.row(i) + from;
      const V va = a, vb = b, vc = c;
      for_each_vector<T>(
          f.space, [&](Index s, auto load, auto store) { store(va * load(dy + s) + (vb * load(x + s) + vc), dx + s); });
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
