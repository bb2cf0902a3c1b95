// Periodic functions of each feature, with trained frequencies (Gorishniy, Rubachev and Babenko, On embeddings for
// numerical features in tabular deep learning, NeurIPS 2022).
#pragma once

#include <algorithm>

#include "kernels/norm/panels.h"
#include "kernels/periodic/args.h"
#include "simd/math.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr double two_pi = 6.283185307179586476925;

// With phases and with derivatives: whether there are some.
template <class T, bool phases, bool derivatives>
[[gnu::noinline]] void periodic_rows(const Periodic<T>& p) {
  using V = Vec<T>;
  const Index k = p.frequencies, width = p.width();
  for (Index i = 0; i < p.rows; ++i) {
    const T* const x = p.x.row(i);
    for (Index f = 0; f < p.features; ++f) {
      const V value = x[f];
      const T* const frequency = p.frequency + f * k;
      T* const y = p.y.row(i) + f * width;
      T* const d = derivatives ? p.derivative.row(i) + f * width : nullptr;
      for_each_vector<T>(k, [&](Index j, auto load, auto store) __attribute__((always_inline)) {
        V turns = value * load(frequency + j);
        if constexpr (phases) {
          turns += load(p.phase + f * k + j) * T(1 / two_pi);
        }
        const auto [sine, cosine] = math::sine_cosine_of_turns<V>(turns);
        store(cosine, y + j);
        if constexpr (!phases) {
          store(sine, y + k + j);
        }
        if constexpr (derivatives) {
          store(-sine, d + j);
          if constexpr (!phases) {
            store(cosine, d + k + j);
          }
        }
      });
    }
  }
}

template <class T>
void periodic(const Periodic<T>& p) {
  with(p.phase, [&](auto phases) {
    with(p.derivative.data, [&](auto derivatives) { periodic_rows<T, phases, derivatives>(p); });
  });
}

template <class T>
void periodic_backward(const PeriodicBackward<T>& p) {
  using V = Vec<T>;
  const Index k = p.frequencies, width = p.width();
  for (Index i = 0; i < p.rows; ++i) {
    for (Index f = 0; f < p.features; ++f) {
      const T *dy = p.dy.row(i) + f * width, *d = p.derivative.row(i) + f * width;
      V sum = 0;
      for (Index part = 0; part < width; part += k) {
        for_each_vector<T>(k, [&](Index j, auto load, auto) __attribute__((always_inline)) {
          sum += load(dy + part + j) * load(d + part + j) * load(p.frequency + f * k + j);
        });
      }
      p.dx.row(i)[f] = reduce(sum) * T(two_pi);
    }
  }
}

// Adds what some rows give to the gradients of some frequencies of a feature, and of their phases.
template <class T, class P>
[[gnu::noinline]] void add_periodic_panel(P panel, Index feature, Range rows, const PeriodicBackward<T>& p) {
  using V = Vec<T>;
  const Index k = p.frequencies, width = p.width();
  V frequency[P::vectors] = {}, phase[P::vectors] = {};
  for (Index i = rows.begin; i < rows.end; ++i) {
    const V x = p.x.row(i)[feature];
    for (Index part = 0; part < width; part += k) {
      const Index at = feature * width + part + panel.first;
      const T *dy = p.dy.row(i) + at, *d = p.derivative.row(i) + at;
      panel.each([&](auto n, auto load, auto) __attribute__((always_inline)) {
        const V g = load(dy) * load(d);
        frequency[n] += g * x;
        phase[n] += g;
      });
    }
  }
  const Index to = feature * k + panel.first;
  panel.each([&](auto n, auto load, auto store) __attribute__((always_inline)) {
    store(load(p.dfrequency + to) + frequency[n] * T(two_pi), p.dfrequency + to);
    if (p.dphase) {
      store(load(p.dphase + to) + phase[n], p.dphase + to);
    }
  });
}

inline constexpr Index periodic_rows_block = 64;

template <class T>
void periodic_sums(const PeriodicBackward<T>& p, Range features) {
  const Index k = p.frequencies;
  for (T* const to : {p.dfrequency, p.dphase}) {
    if (to) {
      std::fill(to + features.begin * k, to + features.end * k, T(0));
    }
  }
  for (Index first = 0; first < p.rows; first += periodic_rows_block) {
    const Range rows{first, std::min(first + periodic_rows_block, p.rows)};
    for (Index f = features.begin; f < features.end; ++f) {
      for_each_panel<T>({0, k}, [&](const auto& panel) { add_periodic_panel(panel, f, rows, p); });
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
