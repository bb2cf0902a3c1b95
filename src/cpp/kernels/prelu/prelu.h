// The rectifier with a trained slope alpha for each channel (He, Zhang, Ren and Sun, ICCV 2015).
#pragma once

#include "kernels/norm/panels.h"
#include "kernels/prelu/args.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void prelu(const PreluPass<T>& p) {
  using V = Vec<T>;
  const auto pass = [](const V& x, const V& v, const V& alpha) __attribute__((always_inline)) {
    V y = alpha * v;
    where(x > V(0), y) = v;
    return y;
  };
  const Index channels = p.features.channels, space = p.features.space;
  for (Index i = 0; i < p.rows; ++i) {
    const T *x = p.x.row(i), *v = p.v.row(i);
    T* y = p.y.row(i);
    if (across(p.features)) {
      for (Index s = 0; s < space; ++s, x += channels, v += channels, y += channels) {
        for_each_vector<T>(channels, [&](Index c, auto load, auto store) {
          store(pass(load(x + c), load(v + c), load(p.alpha + c)), y + c);
        });
      }
    } else {
      for (Index c = 0; c < channels; ++c, x += space, v += space, y += space) {
        const V alpha = p.alpha[c];
        for_each_vector<T>(
            space, [&](Index s, auto load, auto store) { store(pass(load(x + s), load(v + s), alpha), y + s); });
      }
    }
  }
}

// What an element adds to the gradient of its alpha.
template <class V>
[[gnu::always_inline]] inline V slope_gradient(const V& x, const V& dy) {
  V product = x * dy;
  where(x > V(0), product) = V(0);
  return product;
}

// The functions for a block add to sums in registers, then to those of the blocks before: it is faster, and rounds
// less.
template <class T, class P>
[[gnu::noinline]] void add_slope_panel(P panel, ChannelBlock block, const PreluSums<T>& p) {
  using V = Vec<T>;
  V sum[P::vectors] = {};
  const Index channels = p.features.channels;
  for (Index i = block.rows.begin; i < block.rows.end; ++i) {
    const Index from = block.space.begin * channels + panel.first;
    const T *x = p.x.row(i) + from, *dy = p.dy.row(i) + from;
    for (Index s = 0; s < block.space.size(); ++s, x += channels, dy += channels) {
      panel.each([&](auto k, auto load, auto)
                     __attribute__((always_inline)) { sum[k] += slope_gradient<V>(load(x), load(dy)); });
    }
  }
  panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
    store(load(p.dalpha + panel.first) + sum[k], p.dalpha + panel.first);
  });
}

template <class T>
void add_slope_channel(Index c, ChannelBlock block, const PreluSums<T>& p) {
  Sums<T, 1> sums;
  for (Index i = block.rows.begin; i < block.rows.end; ++i) {
    const Index from = c * p.features.space + block.space.begin;
    const T *x = p.x.row(i) + from, *dy = p.dy.row(i) + from;
    sums.add(block.space.size(), [&](Index s, auto load, Vec<T>& sum) __attribute__((always_inline)) {
      sum += slope_gradient<Vec<T>>(load(x + s), load(dy + s));
    });
  }
  p.dalpha[c] += sums.total(0);
}

template <class T>
void prelu_sums(const PreluSums<T>& p, Range channels) {
  std::fill(p.dalpha + channels.begin, p.dalpha + channels.end, T(0));
  const bool side_by_side = across(p.features);
  for_each_block(p.rows, p.features.space, side_by_side ? block_across : block_along, [&](const ChannelBlock& block) {
    if (side_by_side) {
      for_each_panel<T>(channels, [&](const auto& panel) { add_slope_panel(panel, block, p); });
    } else {
      for (Index c = channels.begin; c < channels.end; ++c) {
        add_slope_channel(c, block, p);
      }
    }
  });
}

}  // namespace fastopt::FASTOPT_ISA
