// Normalisation of groups whose elements are contiguous.
#pragma once

#include "kernels/norm/args.h"
#include "kernels/norm/extreme.h"
#include "kernels/norm/panels.h"

namespace fastopt::FASTOPT_ISA {

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

}  // namespace fastopt::FASTOPT_ISA
