// Normalisation of each row by the moments of its groups of channels (Wu, He, 2018): layer normalisation (Ba, Kiros,
// Hinton, 2016), instance normalisation (Ulyanov, Vedaldi, Lempitsky, 2016) and, not centred, root mean square
// normalisation (Zhang, Sennrich, 2019).
//
// The variance is the mean of the centred squares. The mean is that of the distances from the first element, so that
// elements close together but far from zero do not lose it to rounding.
#pragma once

#include "kernels/norm/args.h"
#include "kernels/norm/extreme.h"
#include "kernels/norm/panels.h"

namespace fastopt::FASTOPT_ISA {

// --- Groups that are contiguous --------------------------------------------------------------------------------------

// Groups are taken some at a time, so that none waits for the moments of another: as many as stay in cache, and few
// enough for memory to be read ahead meanwhile.
inline constexpr int most_groups = 8;
inline constexpr Index bytes_at_once = 1 << 13;

// Calls f(groups, count) for all groups of all rows, each made by make(row, group), `least` or more at once.
template <class T, Index least, class P, class Make, class F>
[[gnu::always_inline]] inline void for_some_groups(const P& p, Index group_size, Make&& make, F&& f) {
  constexpr Index bytes = 2 * sizeof(T);  // x, and y or dy
  const Index most = std::clamp<Index>(bytes_at_once / (bytes * group_size), least, most_groups);
  decltype(make(0, 0)) some[most_groups];
  int count = 0;
  for (Index i = 0; i < p.rows; ++i) {
    for (Index g = 0; g < p.groups; ++g) {
      some[count++] = make(i, g);
      if (count == most) {
        f(some, count);
        count = 0;
      }
    }
  }
  if (count > 0) {
    f(some, count);
  }
}

// Calls f(shared, first, size, channel) for the runs of a group that have parameters for each element, or share one.
template <class F>
[[gnu::always_inline]] inline void for_each_run(Index space, Index channels, Index group, F&& run) {
  const Index first = group * channels;
  if (space == 1) {
    run(std::false_type{}, Index{0}, channels, first);
  } else {
    for (Index c = 0; c < channels; ++c) {
      run(std::true_type{}, c * space, space, first + c);
    }
  }
}

// gamma or beta of the vector of elements from i on: one for each, or that of channel i for all; else `absent`.
template <bool given, bool shared, class T, class Load>
[[gnu::always_inline]] inline Vec<T> parameter(const T* p, Index i, Load&& load, T absent) {
  if constexpr (!given) {
    return absent;
  } else if constexpr (shared) {
    return p[i];
  } else {
    return load(p + i);
  }
}

template <class T>
struct Normalized {
  Index group;
  const T* x;
  T *y, *moments;
};

template <class T>
[[gnu::noinline]] void normalize_groups(const GroupNorm<T>& p, Index n, const Normalized<T>* some, int count) {
  using V = Vec<T>;
  const Index space = p.features.space, channels = n / space;
  const T share = T(1) / static_cast<T>(n), epsilon = p.epsilon;
  T mean[most_groups] = {}, rstd[most_groups];
  for (int b = 0; b < count; ++b) {
    const T* x = some[b].x;
    if (p.centred) {
      const V first = x[0];
      Sums<T, 1> sums;
      sums.add(n, [&](Index j, auto load, V& sum) __attribute__((always_inline)) { sum += load(x + j) - first; });
      mean[b] = x[0] + sums.total(0) * share;
    }
  }
  for (int b = 0; b < count; ++b) {
    const T* x = some[b].x;
    const V m = mean[b];
    Sums<T, 1> squares;
    squares.add(n, [&](Index j, auto load, V& sum) __attribute__((always_inline)) {
      const V centred = load(x + j) - m;
      sum += centred * centred;
    });
    rstd[b] = T(1) / std::sqrt(squares.total(0) * share + epsilon);
  }
  for (int b = 0; b < count; ++b) {
    if (!(rstd[b] > T(0))) {  // the squares are infinite, or NaN
      const Index group = some[b].group;
      normalize_extreme(p, {group, group + 1}, some[b].x - group * n, some[b].y - group * n, some[b].moments - group);
      continue;
    }
    some[b].moments[0] = mean[b];
    some[b].moments[p.groups] = rstd[b];
    const T* x = some[b].x;
    T* y = some[b].y;
    const V m = mean[b], r = rstd[b];
    with(p.gamma, [&](auto scaled) __attribute__((always_inline)) {
      with(p.beta, [&](auto shifted) __attribute__((always_inline)) {
        const T *gamma = p.gamma, *beta = p.beta;
        for_each_run(space, channels, some[b].group,
                     [&](auto shared, Index from, Index size, Index c) __attribute__((always_inline)) {
                       for_each_vector<T>(size, [&](Index j, auto load, auto store) __attribute__((always_inline)) {
                         const V scale = r * parameter<scaled, shared>(gamma, shared ? c : c + j, load, T(1));
                         const V shift = parameter<shifted, shared>(beta, shared ? c : c + j, load, T(0));
                         store((load(x + from + j) - m) * scale + shift, y + from + j);
                       });
                     });
      });
    });
  }
}

template <class T>
struct Differentiated {
  Index group;
  const T *x, *dy, *moments;
  T* dx;
};

// dx = rstd (d - mean(d) - xhat mean(d xhat)) with d = gamma dy and, if `summing`, what the sums gain.
template <class T, bool summing>
[[gnu::noinline]] void differentiate_groups(const GroupNormBackward<T>& p, Index n, const Differentiated<T>* some,
                                            int count) {
  using V = Vec<T>;
  const Index space = p.features.space, channels = n / space;
  const T share = T(1) / static_cast<T>(n);
  const T* gamma = p.gamma;
  T *dgamma = p.dgamma, *dbeta = p.dbeta;
  T mean[most_groups], rstd[most_groups], slope[most_groups], level[most_groups];
  with(p.gamma, [&](auto scaled) __attribute__((always_inline)) {
    for (int b = 0; b < count; ++b) {
      const T *x = some[b].x, *dy = some[b].dy;
      mean[b] = some[b].moments[0];
      rstd[b] = some[b].moments[p.groups];
      const V m = mean[b];
      Sums<T, 2> sums;
      for_each_run(space, channels, some[b].group,
                   [&](auto shared, Index first, Index size, Index c) __attribute__((always_inline)) {
                     sums.add(size, [&](Index j, auto load, V& product, V& sum) __attribute__((always_inline)) {
                       const V g = parameter<scaled, shared>(gamma, shared ? c : c + j, load, T(1));
                       const V d = g * load(dy + first + j);
                       product += d * (load(x + first + j) - m);
                       sum += d;
                     });
                   });
      slope[b] = sums.total(0) * (rstd[b] * rstd[b] * rstd[b] * share);
      level[b] = p.centred ? sums.total(1) * (rstd[b] * share) : T(0);
    }
    for (int b = 0; b < count; ++b) {
      const T *x = some[b].x, *dy = some[b].dy;
      T* dx = some[b].dx;
      if (is_extreme(rstd[b])) {
        const Index group = some[b].group, start = group * n;
        differentiate_extreme(p, {group, group + 1}, x - start, dy - start, some[b].moments - group, dx - start,
                              summing);
        continue;
      }
      const V m = mean[b], r = rstd[b], s = slope[b], l = level[b];
      for_each_run(space, channels, some[b].group,
                   [&](auto shared, Index first, Index size, Index c) __attribute__((always_inline)) {
                     for_each_vector<T>(size, [&](Index j, auto load, auto store) __attribute__((always_inline)) {
                       const V g = parameter<scaled, shared>(gamma, shared ? c : c + j, load, T(1));
                       const V gradient = load(dy + first + j), centred = load(x + first + j) - m;
                       if constexpr (summing) {
                         store(load(dgamma + c + j) + gradient * (centred * r), dgamma + c + j);
                         store(load(dbeta + c + j) + gradient, dbeta + c + j);
                       }
                       store(g * gradient * r - (s * centred + l), dx + first + j);
                     });
                   });
    }
  });
}

// --- Channels side by side, at several places ------------------------------------------------------------------------

// The values of the groups that a vector of channels belongs to.
template <class T>
inline Vec<T> spread(const T* values, Index first, Index channels, Index group_size) {
  const Index last = std::min<Index>(first + lanes<T>, channels) - 1;
  Index group = first / group_size, end = (group + 1) * group_size;
  if (last < end) {
    return values[group];
  }
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

// Groups are taken some at a time, whose sums are kept here.
inline constexpr Index groups_at_once = 64;

// Adds, for each group from the first on, the sum over space of what f(place, k, load) gives for its channels.
template <class T, int count, class F>
[[gnu::always_inline]] inline void sum_groups(const Features& features, Index group_size, Range channels,
                                              T (&sums)[count][groups_at_once], F&& f) {
  using V = Vec<T>;
  for_each_panel<T>(channels, [&](const auto& panel) __attribute__((always_inline)) {
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
    for_each_panel<T>(channels, [&](const auto& panel) __attribute__((always_inline)) {
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
    for_each_panel<T>(channels, [&](const auto& panel) __attribute__((always_inline)) {
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

// --- Sums over the rows ----------------------------------------------------------------------------------------------

template <class T, bool one_group>
struct RowMoments {
  static constexpr bool by_row = true;
  Rows<const T> moments;
  Index groups, channels, group_size;

  template <class P>
  void of_channels(const P&, Vec<T>*) const {}
  template <class P>
  [[gnu::always_inline]] void of_row(const P& panel, Index i, Vec<T>* mean, Vec<T>* rstd) const {
    const T* row = moments.row(i);
    unroll<P::vectors>([&](auto k) __attribute__((always_inline)) {
      if constexpr (one_group) {
        mean[k] = row[0];
        rstd[k] = row[1];
      } else {
        mean[k] = spread<T>(row, panel.channel(k), channels, group_size);
        rstd[k] = spread<T>(row + groups, panel.channel(k), channels, group_size);
      }
    });
  }
  std::pair<T, T> at(Index i, Index c) const {
    const T* row = moments.row(i) + c / group_size;
    return {row[0], row[groups]};
  }
};

template <class T>
void clear_sums(const GroupNormBackward<T>& p, Range channels) {
  for (T* sum : {p.dgamma, p.dbeta}) {
    if (sum && !p.add) {
      std::fill(sum + channels.begin, sum + channels.end, T(0));
    }
  }
}

template <class T>
void group_norm_sums(const GroupNormBackward<T>& p, Range channels) {
  clear_sums(p, channels);
  const auto run = [&](auto one_group) {
    const RowMoments<T, one_group> moments{p.moments, p.groups, p.features.channels, p.features.channels / p.groups};
    parameter_sums<T>(p.rows, p.features, p.x, p.dy, moments, channels, p.dgamma, p.dbeta);
  };
  p.groups == 1 ? run(std::true_type{}) : run(std::false_type{});
}

// --- The choice between them -----------------------------------------------------------------------------------------

template <class T>
void group_norm(const GroupNorm<T>& p) {
  if (p.features.space > 1 && p.features.channels_last) {
    return group_norm_across(p);
  }
  const Index n = p.features.size() / p.groups;
  for_some_groups<T, 2>(
      p, n,
      [&](Index i, Index g) { return Normalized<T>{g, p.x.row(i) + g * n, p.y.row(i) + g * n, p.moments.row(i) + g}; },
      [&](const Normalized<T>* some, int count) { normalize_groups(p, n, some, count); });
}

// The sums are added on the way where each element has parameters of its own.
template <class T>
void group_norm_backward(const GroupNormBackward<T>& p) {
  const bool summing = p.dgamma && p.dbeta && p.features.space == 1;
  if (summing) {
    clear_sums(p, {0, p.features.channels});
  } else if (p.dgamma || p.dbeta) {
    group_norm_sums(p, {0, p.features.channels});
  }
  if (p.features.space > 1 && p.features.channels_last) {
    return group_norm_backward_across(p);
  }
  const Index n = p.features.size() / p.groups;
  for_some_groups<T, 1>(
      p, n,
      [&](Index i, Index g) {
        return Differentiated<T>{g, p.x.row(i) + g * n, p.dy.row(i) + g * n, p.moments.row(i) + g, p.dx.row(i) + g * n};
      },
      [&](const Differentiated<T>* some, int count) {
        summing ? differentiate_groups<T, true>(p, n, some, count) : differentiate_groups<T, false>(p, n, some, count);
      });
}

}  // namespace fastopt::FASTOPT_ISA
