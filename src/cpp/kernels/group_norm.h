// Normalisation of each row by the moments of its groups of channels (Wu, He, 2018): layer normalisation (Ba, Kiros,
// Hinton, 2016), instance normalisation (Ulyanov, Vedaldi, Lempitsky, 2016) and, not centred, root mean square
// normalisation (Zhang, Sennrich, 2019).
//
// The variance is the mean of the centred squares. The mean is that of the distances from the first element, so that
// elements close together but far from zero do not lose it to rounding.
#pragma once

#include "kernels/normalization.h"

namespace fastopt::FASTOPT_ISA {

// --- Groups that are contiguous --------------------------------------------------------------------------------------

// Calls f(row, group) for all.
template <class P, class F>
[[gnu::always_inline]] inline void for_each_group(const P& p, F&& f) {
  for (Index i = 0; i < p.rows; ++i) {
    for (Index g = 0; g < p.groups; ++g) {
      f(i, g);
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

// Groups that fit into registers; all of their elements are of one channel if `shared`.
inline constexpr int most_registers = vector_registers / 4;

// The sum of f(k) over the registers.
template <class T, int vectors, class F>
[[gnu::always_inline]] inline T sum_registers(F&& f) {
  Vec<T> sum[sum_chains] = {};
  unroll<vectors>([&](auto k) __attribute__((always_inline)) { sum[k % sum_chains] += f(k); });
  return stdx::reduce((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class T, int vectors, bool shared>
void group_norm_short(const GroupNorm<T>& p) {
  using V = Vec<T>;
  const Index n = p.features.size() / p.groups, channels = p.features.channels / p.groups;
  const T share = T(1) / static_cast<T>(n);
  const Mask<T> mask = first_lanes<T>(n - (vectors - 1) * lanes<T>);
  const Panel<T, vectors, false> panel{0, mask};
  for_each_group(p, [&](Index i, Index group) __attribute__((always_inline)) {
    const T* x = p.x.row(i) + group * n;
    T *y = p.y.row(i) + group * n, *moments = p.moments.row(i) + group;
    V v[vectors];
    panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) { v[k] = load(x); });
    const auto subtract = [&](T value) __attribute__((always_inline)) {
      unroll<vectors>([&](auto k) __attribute__((always_inline)) { v[k] -= value; });
      where(!mask, v[vectors - 1]) = V(0);
    };
    T mean = 0;
    if (p.centred) {
      const T first = x[0];
      subtract(first);
      const T rest = share * sum_registers<T, vectors>([&](auto k) __attribute__((always_inline)) { return v[k]; });
      subtract(rest);
      mean = first + rest;
    }
    const T squares = sum_registers<T, vectors>([&](auto k) __attribute__((always_inline)) { return v[k] * v[k]; });
    const T rstd = T(1) / std::sqrt(squares * share + p.epsilon);
    with(p.gamma, [&](auto scaled) __attribute__((always_inline)) {
      with(p.beta, [&](auto shifted) __attribute__((always_inline)) {
        panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
          const V scale = rstd * parameter<scaled, shared>(p.gamma, group * channels, load, T(1));
          store(v[k] * scale + parameter<shifted, shared>(p.beta, group * channels, load, T(0)), y);
        });
      });
    });
    moments[0] = mean;
    moments[p.groups] = rstd;
  });
}

template <class T, int vectors, bool shared>
void group_norm_backward_short(const GroupNormBackward<T>& p) {
  using V = Vec<T>;
  const Index n = p.features.size() / p.groups, channels = p.features.channels / p.groups;
  const T share = T(1) / static_cast<T>(n);
  const Panel<T, vectors, false> panel{0, first_lanes<T>(n - (vectors - 1) * lanes<T>)};
  for_each_group(p, [&](Index i, Index group) __attribute__((always_inline)) {
    const T *x = p.x.row(i) + group * n, *dy = p.dy.row(i) + group * n, *moments = p.moments.row(i) + group;
    T* dx = p.dx.row(i) + group * n;
    const T mean = moments[0], rstd = moments[p.groups];
    V centred[vectors], d[vectors];  // d: with respect to xhat
    with(p.gamma, [&](auto scaled) __attribute__((always_inline)) {
      panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
        centred[k] = load(x) - mean;
        d[k] = load(dy) * parameter<scaled, shared>(p.gamma, group * channels, load, T(1));
      });
    });
    const T product =
        sum_registers<T, vectors>([&](auto k) __attribute__((always_inline)) { return d[k] * centred[k]; });
    const T sum = sum_registers<T, vectors>([&](auto k) __attribute__((always_inline)) { return d[k]; });
    const T slope = product * rstd * rstd * rstd * share, level = p.centred ? sum * rstd * share : T(0);
    panel.each([&](auto k, auto, auto store)
                   __attribute__((always_inline)) { store(d[k] * rstd - (slope * centred[k] + level), dx); });
  });
}

// Calls f(shared, first, size, channel) for the runs of a group that have parameters for each element, or share one.
template <class F>
[[gnu::always_inline]] inline void for_each_run(const Features& f, Index groups, Index group, F&& run) {
  const Index channels = f.channels / groups, first = group * channels;
  if (f.space == 1) {
    run(std::false_type{}, Index{0}, channels, first);
  } else {
    for (Index c = 0; c < channels; ++c) {
      run(std::true_type{}, c * f.space, f.space, first + c);
    }
  }
}

template <class T>
void group_norm_long(const GroupNorm<T>& p) {
  using V = Vec<T>;
  const Index n = p.features.size() / p.groups;
  const T share = T(1) / static_cast<T>(n);
  for_each_group(p, [&](Index i, Index group) __attribute__((always_inline)) {
    const T* x = p.x.row(i) + group * n;
    T *y = p.y.row(i) + group * n, *moments = p.moments.row(i) + group;
    T mean = 0;
    if (p.centred) {
      const V first = x[0];
      Sums<T, 1> sums;
      sums.add(n, [&](Index j, auto load, V& sum) __attribute__((always_inline)) { sum += load(x + j) - first; });
      mean = x[0] + sums.total(0) * share;
    }
    const V m = mean;
    Sums<T, 1> squares;
    squares.add(n, [&](Index j, auto load, V& sum) __attribute__((always_inline)) {
      const V centred = load(x + j) - m;
      sum += centred * centred;
    });
    const T rstd = T(1) / std::sqrt(squares.total(0) * share + p.epsilon);
    const V r = rstd;
    with(p.gamma, [&](auto scaled) __attribute__((always_inline)) {
      with(p.beta, [&](auto shifted) __attribute__((always_inline)) {
        for_each_run(p.features, p.groups, group,
                     [&](auto shared, Index first, Index size, Index c) __attribute__((always_inline)) {
                       for_each_vector<T>(size, [&](Index j, auto load, auto store) __attribute__((always_inline)) {
                         const V scale = r * parameter<scaled, shared>(p.gamma, shared ? c : c + j, load, T(1));
                         store((load(x + first + j) - m) * scale +
                                   parameter<shifted, shared>(p.beta, shared ? c : c + j, load, T(0)),
                               y + first + j);
                       });
                     });
      });
    });
    moments[0] = mean;
    moments[p.groups] = rstd;
  });
}

template <class T>
void group_norm_backward_long(const GroupNormBackward<T>& p) {
  using V = Vec<T>;
  const Index n = p.features.size() / p.groups;
  const T share = T(1) / static_cast<T>(n);
  for_each_group(p, [&](Index i, Index group) __attribute__((always_inline)) {
    const T *x = p.x.row(i) + group * n, *dy = p.dy.row(i) + group * n, *moments = p.moments.row(i) + group;
    T* dx = p.dx.row(i) + group * n;
    const T rstd = moments[p.groups];
    const V mean = moments[0], r = rstd;
    with(p.gamma, [&](auto scaled) __attribute__((always_inline)) {
      Sums<T, 2> sums;
      for_each_run(p.features, p.groups, group,
                   [&](auto shared, Index first, Index size, Index c) __attribute__((always_inline)) {
                     sums.add(size, [&](Index j, auto load, V& product, V& sum) __attribute__((always_inline)) {
                       const V d =
                           load(dy + first + j) * parameter<scaled, shared>(p.gamma, shared ? c : c + j, load, T(1));
                       product += d * (load(x + first + j) - mean);
                       sum += d;
                     });
                   });
      const V slope = sums.total(0) * rstd * rstd * rstd * share;
      const V level = p.centred ? sums.total(1) * rstd * share : T(0);
      for_each_run(p.features, p.groups, group,
                   [&](auto shared, Index first, Index size, Index c) __attribute__((always_inline)) {
                     for_each_vector<T>(size, [&](Index j, auto load, auto store) __attribute__((always_inline)) {
                       const V d =
                           load(dy + first + j) * parameter<scaled, shared>(p.gamma, shared ? c : c + j, load, T(1));
                       store(d * r - (slope * (load(x + first + j) - mean) + level), dx + first + j);
                     });
                   });
    });
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
[[gnu::always_inline]] inline void for_some_groups(const P& p, F&& f) {
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
  for_some_groups(p, [&](Index i, Index first_group, Index groups, Range channels) __attribute__((always_inline)) {
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
    for (Index g = 0; g < groups; ++g) {
      rstd[first_group + g] = T(1) / std::sqrt(sums[0][g] / n + p.epsilon);
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
  for_some_groups(p, [&](Index i, Index first_group, Index groups, Range channels) __attribute__((always_inline)) {
    const T *x = p.x.row(i), *dy = p.dy.row(i), *mean = p.moments.row(i), *rstd = mean + p.groups;
    T* dx = p.dx.row(i);
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
void group_norm_sums(const GroupNormBackward<T>& p, Range channels) {
  for (T* sum : {p.dgamma, p.dbeta}) {
    if (sum && !p.add) {
      std::fill(sum + channels.begin, sum + channels.end, T(0));
    }
  }
  const auto run = [&](auto one_group) {
    const RowMoments<T, one_group> moments{p.moments, p.groups, p.features.channels, p.features.channels / p.groups};
    parameter_sums<T>(p.rows, p.features, p.x, p.dy, moments, channels, p.dgamma, p.dbeta);
  };
  p.groups == 1 ? run(std::true_type{}) : run(std::false_type{});
}

// --- The choice among them -------------------------------------------------------------------------------------------

// Calls f(vectors, shared) for groups that fit into registers; false for others.
template <class T, class F>
inline bool in_registers(const Features& f, Index groups, F&& run) {
  const Index n = f.size() / groups, vectors = (n + lanes<T> - 1) / lanes<T>;
  const bool shared = f.space > 1;
  if (vectors > most_registers || (shared && groups != f.channels)) {
    return false;
  }
  unroll<most_registers>([&](auto k) {
    if (vectors == k + 1) {
      with(shared, [&](auto same) { run(std::integral_constant<int, k + 1>{}, same); });
    }
  });
  return true;
}

template <class T>
void group_norm(const GroupNorm<T>& p) {
  if (p.features.space > 1 && p.features.channels_last) {
    group_norm_across(p);
  } else if (!in_registers<T>(p.features, p.groups,
                              [&](auto vectors, auto shared) { group_norm_short<T, vectors, shared>(p); })) {
    group_norm_long(p);
  }
}

template <class T>
void group_norm_backward(const GroupNormBackward<T>& p) {
  if (p.features.space > 1 && p.features.channels_last) {
    group_norm_backward_across(p);
  } else if (!in_registers<T>(p.features, p.groups,
                              [&](auto vectors, auto shared) { group_norm_backward_short<T, vectors, shared>(p); })) {
    group_norm_backward_long(p);
  }
}

}  // namespace fastopt::FASTOPT_ISA
