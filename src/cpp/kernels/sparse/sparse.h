// Products with a sparse left factor: each element is summed in the order in which a dense product does it, without the
// zeros.
#pragma once

#include <algorithm>

#include "kernels/norm/panels.h"
#include "kernels/sparse/args.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void multiply_sparse(const SparseProduct<T>& p) {
  constexpr Index ahead = 4, line = 64 / static_cast<Index>(sizeof(T));  // entries whose rows of b are asked for
  for (Index i = 0; i < p.rows; ++i) {
    const Range entries = p.x.entries(i);
    T* const y = p.y.row(i);
    for_each_panel<T>({0, p.columns}, [&](auto panel) __attribute__((always_inline)) {
      Vec<T> sum[decltype(panel)::vectors] = {};
      if (p.bias) {
        panel.each([&](auto k, auto load, auto)
                       __attribute__((always_inline)) { sum[k] = load(p.bias + panel.first); });
      }
      for (Index e = entries.begin; e < entries.end; ++e) {
        if (panel.first == 0 && e + ahead < entries.end) {
          const T* const later = p.b + p.x.columns[e + ahead] * p.columns;
          for (Index j = 0; j < p.columns; j += line) {
            __builtin_prefetch(later + j);
          }
        }
        const Vec<T> value = p.x.values[e];
        const T* const b = p.b + p.x.columns[e] * p.columns + panel.first;
        panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) { sum[k] += value * load(b); });
      }
      panel.each([&](auto k, auto, auto store) __attribute__((always_inline)) { store(sum[k], y + panel.first); });
    });
  }
}

template <class T>
void multiply_sparse_transposed(const SparseTransposed<T>& p) {
  std::fill_n(p.to, p.part.size() * p.columns, T(0));
  for (Index i = 0; i < p.rows; ++i) {
    const Range entries = p.x.entries(i);
    const T* const dy = p.dy.row(i);
    const std::int32_t* const end = p.x.columns + entries.end;
    const std::int32_t* at =
        p.next ? p.x.columns + p.next[i] : std::lower_bound(p.x.columns + entries.begin, end, p.part.begin);
    for (; at < end && *at < p.part.end; ++at) {
      const Vec<T> value = p.x.values[at - p.x.columns];
      T* const to = p.to + (*at - p.part.begin) * p.columns;
      for_each_vector<T>(p.columns, [&](Index j, auto load, auto store) __attribute__((always_inline)) {
        store(load(to + j) + value * load(dy + j), to + j);
      });
    }
    if (p.next) {
      p.next[i] = at - p.x.columns;
    }
  }
}

template <class T>
void fill_sparse(const SparseFill<T>& p) {
  for (Index i = 0; i < p.rows; ++i) {
    T* const to = p.to.row(i);
    std::fill_n(to, p.columns, T(0));
    const Range entries = p.x.entries(i);
    for (Index e = entries.begin; e < entries.end; ++e) {
      to[p.x.columns[e]] += p.x.values[e];
    }
    for (Index j = 0; p.center && j < p.columns; ++j) {
      to[j] = static_cast<T>(static_cast<double>(to[j]) - static_cast<double>(p.center[j]));
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
