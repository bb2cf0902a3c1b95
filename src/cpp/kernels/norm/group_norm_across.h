// Normalisation of groups of channels that lie side by side, at several places.
#pragma once

#include "kernels/norm/args.h"
#include "kernels/norm/extreme.h"
#include "kernels/norm/panels.h"

namespace fastopt::FASTOPT_ISA {

// The values of the groups, from `group` on, that the channels first..last belong to. Not inlined: `spread` is in
// dozens of places.
template <class T>
[[gnu::noinline]] Vec<T> spread_over(const T* values, Index group, Index first, Index last, Index group_size) {
  Index end = (group + 1) * group_size;
  T each[lanes<T>] = {};
  for (Index c = first; c <= last; ++c) {
    if (c == end) {
      ++group;
      end += group_size;
    }
    each[c - first] = values[group];
  }
  return load<T>(each);
}

// The values of the groups that a vector of channels belongs to.
template <class T>
inline Vec<T> spread(const T* values, Index first, Index channels, Index group_size) {
  const Index last = std::min<Index>(first + lanes<T>, channels) - 1, group = first / group_size;
  if (last < (group + 1) * group_size) {
    return values[group];
  }
  return spread_over<T>(values, group, first, last, group_size);
}

// Groups are taken some at a time, whose sums are kept here.
inline constexpr Index groups_at_once = 64;

// Adds, for each group from the first on, the sum over space of what f(place, k, load) gives for its channels.
template <class T, int count, class F>
[[gnu::always_inline]] inline void sum_groups(const Features& features, Index group_size, Range channels,
                                              T (&sums)[count][groups_at_once], F&& f) {
  using V = Vec<T>;
  for_each_panel<T, true>(channels, [&](const auto& panel) __attribute__((always_inline)) {
    constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
    V total[count][vectors] = {};
    const auto prepared = f(panel);
    for (Index s = 0; s < features.space; ++s) {
      panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
        const std::array<V, count> values = prepared(s * features.channels + panel.first, k, load);
        unroll<count>([&](auto q) __attribute__((always_inline)) { total[q][k] += values[q]; });
      });
    }
    unroll<count>([&](auto q) {
      T each[vectors * lanes<T>];
      unroll<vectors>([&](auto k) { store<T>(total[q][k], each + k * lanes<T>); });
      const Index end = std::min<Index>(panel.first + vectors * lanes<T>, channels.end);
      for (Index c = panel.first; c < end; ++c) {
        sums[q][(c - channels.begin) / group_size] += each[c - panel.first];
      }
    });
  });
}

// Calls f(row, first group, groups, channels) for groups that are taken at once.
template <class P, class F>
[[gnu::always_inline]] inline void for_group_ranges(const P& p, F&& f) {
  const Index group_size = p.features.channels / p.groups;
  for (Index i = 0; i < p.rows; ++i) {
    for (Index g = 0; g < p.groups; g += groups_at_once) {
      const Index count = std::min(groups_at_once, p.groups - g);
      f(i, g, count, Range{g * group_size, (g + count) * group_size});
    }
  }
}

template <class T>
void group_norm_across(const GroupNorm<T>& p) {
  using V = Vec<T>;
  const Index group_size = p.features.channels / p.groups;
  const Index elements = p.features.size() / p.groups;
  const T n = static_cast<T>(elements);
  for_group_ranges(p, [&](Index i, Index first_group, Index groups, Range channels) __attribute__((always_inline)) {
    const T* x = p.x.row(i);
    T *y = p.y.row(i), *mean = p.moments.row(i), *rstd = mean + p.groups;
    const auto mean_of = [&](Index c) { return spread<T>(mean, c, p.features.channels, group_size); };
    T sums[1][groups_at_once] = {};
    for (Index g = 0; g < groups; ++g) {
      mean[first_group + g] = p.centred ? x[(first_group + g) * group_size] : T(0);
    }
    const auto moment = [&](auto power) {
      sum_groups<T, 1>(p.features, group_size, channels, sums, [&](const auto& panel) __attribute__((always_inline)) {
        constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
        std::array<V, vectors> m;
        unroll<vectors>([&](auto k) { m[k] = mean_of(panel.channel(k)); });
        return [&, m](Index place, auto k, auto load)
                   __attribute__((always_inline)) { return std::array{V(power(load(x + place) - m[k]))}; };
      });
    };
    if (p.centred) {
      moment([](const V& v) { return v; });
      for (Index g = 0; g < groups; ++g) {
        mean[first_group + g] += sums[0][g] / n;
        sums[0][g] = 0;
      }
    }
    moment([](const V& v) { return v * v; });
    bool extreme = false;
    for (Index g = 0; g < groups; ++g) {
      rstd[first_group + g] = T(1) / std::sqrt(sums[0][g] / n + p.epsilon);
      extreme |= !(rstd[first_group + g] > T(0));  // the squares are infinite, or NaN
    }
    if (extreme) {
      return normalize_extreme(p, {first_group, first_group + groups}, x, y, mean);
    }
    for_each_panel<T, true>(channels, [&](const auto& panel) __attribute__((always_inline)) {
      constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
      V m[vectors], scale[vectors], shift[vectors];
      panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
        m[k] = mean_of(panel.channel(k));
        scale[k] = spread<T>(rstd, panel.channel(k), p.features.channels, group_size);
        scale[k] *= p.gamma ? load(p.gamma + panel.first) : V(1);
        shift[k] = p.beta ? load(p.beta + panel.first) : V(0);
      });
      for (Index s = 0; s < p.features.space; ++s) {
        const Index place = s * p.features.channels + panel.first;
        panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
          store((load(x + place) - m[k]) * scale[k] + shift[k], y + place);
        });
      }
    });
  });
}

template <class T>
void group_norm_backward_across(const GroupNormBackward<T>& p) {
  using V = Vec<T>;
  const Index group_size = p.features.channels / p.groups;
  const Index elements = p.features.size() / p.groups;
  const T n = static_cast<T>(elements);
  for_group_ranges(p, [&](Index i, Index first_group, Index groups, Range channels) __attribute__((always_inline)) {
    const T *x = p.x.row(i), *dy = p.dy.row(i), *mean = p.moments.row(i), *rstd = mean + p.groups;
    T* dx = p.dx.row(i);
    if (std::any_of(rstd + first_group, rstd + first_group + groups, is_extreme<T>)) {
      return differentiate_extreme(p, {first_group, first_group + groups}, x, dy, mean, dx, false);
    }
    const auto of = [&](const T* values, Index c) { return spread<T>(values, c, p.features.channels, group_size); };
    T sums[2][groups_at_once] = {};  // become the slope and the level
    sum_groups<T, 2>(p.features, group_size, channels, sums, [&](const auto& panel) __attribute__((always_inline)) {
      constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
      std::array<V, vectors> m, gamma;
      panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
        m[k] = of(mean, panel.channel(k));
        gamma[k] = p.gamma ? load(p.gamma + panel.first) : V(1);
      });
      return [&, m, gamma](Index place, auto k, auto load) __attribute__((always_inline)) {
        const V d = load(dy + place) * gamma[k];
        return std::array{V(d * (load(x + place) - m[k])), d};
      };
    });
    for (Index g = 0; g < groups; ++g) {
      const T r = rstd[first_group + g];
      sums[0][g] *= r * r / n;
      sums[1][g] = p.centred ? sums[1][g] / n : T(0);
    }
    for_each_panel<T, true>(channels, [&](const auto& panel) __attribute__((always_inline)) {
      constexpr int vectors = std::remove_reference_t<decltype(panel)>::vectors;
      V a[vectors], b[vectors], c[vectors];  // dx = a dy + b x + c
      panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
        const Index channel = panel.channel(k);
        const V r = of(rstd, channel);
        const auto sum = [&](int q) {
          return spread<T>(sums[q], channel - channels.begin, channels.size(), group_size);
        };
        a[k] = r * (p.gamma ? load(p.gamma + panel.first) : V(1));
        b[k] = -(r * sum(0));
        c[k] = -(r * sum(1)) - b[k] * of(mean, channel);
      });
      for (Index s = 0; s < p.features.space; ++s) {
        const Index place = s * p.features.channels + panel.first;
        panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
          store(a[k] * load(dy + place) + (b[k] * load(x + place) + c[k]), dx + place);
        });
      }
    });
  });
}

}  // namespace fastopt::FASTOPT_ISA
