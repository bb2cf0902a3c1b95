// What the normalisations share: sums along a run of elements, panels of channels side by side, blocks of the data that
// stay in cache, and the sums that the gradients of gamma and beta are.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/table.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// Whether the elements of a channel lie `channels` apart, so that lanes run across channels; else they are contiguous.
inline bool across(const Features& f) {
  return f.channels_last || f.space == 1;
}

// Additions that do not wait for each other.
inline constexpr int sum_chains = 4;

template <class T, int count>
struct Sums {
  Vec<T> sum[count * sum_chains] = {};

  // Adds the values f(i, load) of every vector of 0..n-1.
  template <class F>
  [[gnu::always_inline]] inline void add(Index n, F&& f) {
    constexpr Index width = lanes<T>;
    const auto whole = [](const T* p) { return load<T>(p); };
    Index i = 0;
    for (; i + sum_chains * width <= n; i += sum_chains * width) {
      unroll<sum_chains>([&](auto c) __attribute__((always_inline)) {
        const std::array<Vec<T>, count> values = f(i + c * width, whole);
        unroll<count>([&](auto k) __attribute__((always_inline)) { sum[k * sum_chains + c] += values[k]; });
      });
    }
    for (; i + width <= n; i += width) {
      const std::array<Vec<T>, count> values = f(i, whole);
      unroll<count>([&](auto k) __attribute__((always_inline)) { sum[k * sum_chains] += values[k]; });
    }
    if (i < n) {
      const Mask<T> mask = first_lanes<T>(n - i);
      const std::array<Vec<T>, count> values = f(i, [&](const T* p) { return load<T>(p, mask); });
      unroll<count>([&](auto k) __attribute__((always_inline)) {
        where(mask, sum[k * sum_chains]) = sum[k * sum_chains] + values[k];
      });
    }
  }

  T total(int k) const {
    const Vec<T>* s = sum + k * sum_chains;
    return stdx::reduce((s[0] + s[1]) + (s[2] + s[3]));
  }
};

// The sum over 0..n-1 of f(i, load).
template <class T, class F>
[[gnu::always_inline]] inline T sum_along(Index n, F&& f) {
  Sums<T, 1> sums;
  sums.add(n, [&](Index i, auto load) { return std::array{Vec<T>(f(i, load))}; });
  return sums.total(0);
}

// Some vectors of channels side by side, the last one with the mask of the channels that are left, unless all are.
template <class T, int count, bool whole>
struct Panel {
  static constexpr int vectors = count;
  Index first;
  Mask<T> mask;

  Index channel(int k) const { return first + k * lanes<T>; }

  template <int k>
  Vec<T> load_at(const T* row) const {
    if constexpr (whole || k + 1 < count) {
      return load<T>(row + channel(k));
    } else {
      return load<T>(row + channel(k), mask);
    }
  }
  template <int k>
  void store_at(const Vec<T>& v, T* row) const {
    if constexpr (whole || k + 1 < count) {
      store<T>(v, row + channel(k));
    } else {
      store<T>(v, row + channel(k), mask);
    }
  }

  // f(k, load, store) for each vector, `load` and `store` taking the address of channel 0.
  template <class F>
  [[gnu::always_inline]] inline void each(F&& f) const {
    unroll<count>([&](auto k) __attribute__((always_inline)) {
      f(k, [&](const T* row) { return load_at<k>(row); }, [&](const Vec<T>& v, T* row) { store_at<k>(v, row); });
    });
  }
};

inline constexpr int panel_vectors = 4;

// Calls f(panel) for panels that make up the channels.
template <class T, class F>
[[gnu::always_inline]] inline void for_each_panel(Range channels, F&& f) {
  constexpr Index width = panel_vectors * lanes<T>;
  Index first = channels.begin;
  for (; first + width <= channels.end; first += width) {
    f(Panel<T, panel_vectors, true>{first, Mask<T>(true)});
  }
  const Index left = channels.end - first;
  const Index vectors = (left + lanes<T> - 1) / lanes<T>;
  unroll<panel_vectors>([&](auto k) {
    if (vectors == k + 1) {
      f(Panel<T, k + 1, false>{first, first_lanes<T>(left - k * lanes<T>)});
    }
  });
}

// Calls f(rows, space) for blocks of about `size` elements of each channel, in order.
template <class F>
[[gnu::always_inline]] inline void for_each_block(Index rows, Index space, Index size, F&& f) {
  const Index height = std::max<Index>(1, size / std::max<Index>(1, space));
  for (Index row = 0; row < rows; row += height) {
    const Range some{row, std::min(row + height, rows)};
    for (Index begin = 0; begin < space; begin += size) {
      f(some, Range{begin, std::min(begin + size, space)});
    }
  }
}

// Elements of a channel in a block: lanes across channels, many channels share the cache.
inline constexpr Index block_across = 256, block_along = 2048;

// dgamma = sum of dy (x - mean) rstd and dbeta = sum of dy, of some channels, over all rows and all of space, added in
// blocks. `Moments` knows mean and rstd, by channel or by row and channel.
template <class T, class Moments>
void parameter_sums(Index rows, const Features& f, Rows<const T> x, Rows<const T> dy, const Moments& moments,
                    Range channels, T* dgamma, T* dbeta) {
  using V = Vec<T>;
  if (across(f)) {
    for_each_block(rows, f.space, block_across, [&](Range some, Range space) {
      for_each_panel<T>(channels, [&](const auto& panel) {
        constexpr int count = std::remove_reference_t<decltype(panel)>::vectors;
        V mean[count], rstd[count], g[count] = {}, b[count] = {};
        moments.of_channels(panel, mean, rstd);
        for (Index i = some.begin; i < some.end; ++i) {
          moments.of_row(panel, i, mean, rstd);
          const T *values = x.row(i) + space.begin * f.channels, *gradients = dy.row(i) + space.begin * f.channels;
          V product[count] = {};
          for (Index s = 0; s < space.size(); ++s, values += f.channels, gradients += f.channels) {
            panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
              const V d = load(gradients);
              product[k] += d * (load(values) - mean[k]);
              b[k] += d;
            });
          }
          unroll<count>([&](auto k) __attribute__((always_inline)) { g[k] += product[k] * rstd[k]; });
        }
        panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
          if (dgamma) {
            store(load(dgamma) + g[k], dgamma);
          }
          if (dbeta) {
            store(load(dbeta) + b[k], dbeta);
          }
        });
      });
    });
  } else {
    for_each_block(rows, f.space, block_along, [&](Range some, Range space) {
      for (Index c = channels.begin; c < channels.end; ++c) {
        Sums<T, 2> sums;
        for (Index i = some.begin; i < some.end; ++i) {
          const auto [mean, rstd] = moments.at(i, c);
          const Index from = c * f.space + space.begin;
          const T *values = x.row(i) + from, *gradients = dy.row(i) + from;
          const V m = mean, r = rstd;
          sums.add(space.size(), [&](Index s, auto load) {
            const V d = load(gradients + s);
            return std::array{V(d * ((load(values + s) - m) * r)), d};
          });
        }
        if (dgamma) {
          dgamma[c] += sums.total(0);
        }
        if (dbeta) {
          dbeta[c] += sums.total(1);
        }
      }
    });
  }
}

}  // namespace fastopt::FASTOPT_ISA
