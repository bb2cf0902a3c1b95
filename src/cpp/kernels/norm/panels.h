// What the normalisations share: sums along a run of elements, panels of channels side by side, blocks of the data that
// stay in cache, and the sums that the gradients of gamma and beta are.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/types.h"
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

  // Calls f(i, load, sums...) for every vector of 0..n-1, to add its values to the sums.
  template <class F>
  [[gnu::always_inline]] void add(Index n, F&& f) {
    constexpr Index width = lanes<T>;
    const auto whole = [](const T* p) { return load<T>(p); };
    const auto call = [&](Index i, auto load, Vec<T>* to) __attribute__((always_inline)) {
      [&]<int... k>(std::integer_sequence<int, k...>) __attribute__((always_inline)) {
        f(i, load, to[Index{k} * sum_chains]...);
      }(std::make_integer_sequence<int, count>{});
    };
    Index i = 0;
    for (; i + sum_chains * width <= n; i += sum_chains * width) {
      unroll<sum_chains>([&](auto c) __attribute__((always_inline)) { call(i + c * width, whole, sum + c); });
    }
    for (; i + width <= n; i += width) {
      call(i, whole, sum);
    }
    if (i < n) {
      const Mask<T> mask = first_lanes<T>(n - i);
      Vec<T> last[count * sum_chains] = {};  // what lanes beyond the end add does not count
      call(i, [&](const T* p) { return load<T>(p, mask); }, last);
      unroll<count>([&](auto k) __attribute__((always_inline)) {
        where(mask, sum[k * sum_chains]) = sum[k * sum_chains] + last[k * sum_chains];
      });
    }
  }

  T total(int k) const {
    const Vec<T>* s = sum + k * sum_chains;
    return stdx::reduce((s[0] + s[1]) + (s[2] + s[3]));
  }
};

// Calls f with the condition as a type, so that loops are without it.
template <class F>
[[gnu::always_inline]] inline void with(bool condition, F&& f) {
  condition ? f(std::true_type{}) : f(std::false_type{});
}

// Some vectors of channels side by side, the last one with the mask of the channels that are left, unless all are.
template <class T, int count, bool whole>
struct Panel {
  static constexpr int vectors = count;
  Index first;
  Mask<T> mask;

  Index channel(int k) const { return first + k * lanes<T>; }

  template <int k>
  [[gnu::always_inline]] Vec<T> load_at(const T* p) const {
    if constexpr (whole || k + 1 < count) {
      return load<T>(p + k * lanes<T>);
    } else {
      return load<T>(p + k * lanes<T>, mask);
    }
  }
  template <int k>
  [[gnu::always_inline]] void store_at(const Vec<T>& v, T* p) const {
    if constexpr (whole || k + 1 < count) {
      store<T>(v, p + k * lanes<T>);
    } else {
      store<T>(v, p + k * lanes<T>, mask);
    }
  }

  // f(k, load, store) for each vector, `load` and `store` taking the address of the first one.
  template <class F>
  [[gnu::always_inline]] void each(F&& f) const {
    unroll<count>([&](auto k) __attribute__((always_inline)) {
      f(
          k, [&](const T* p) __attribute__((always_inline)) { return load_at<k>(p); },
          [&](const Vec<T>& v, T* p) __attribute__((always_inline)) { store_at<k>(v, p); });
    });
  }
};

inline constexpr int panel_vectors = vector_registers / 4;
inline constexpr int last_vectors = 4;  // each width is one more copy of what is done with a panel

// Calls f(panel) for panels that make up the channels. What is left of the widest panels is one panel, or, where
// `narrow`, for long code, of which there are fewer copies then, panels of two vectors and one.
template <class T, bool narrow = false, class F>
[[gnu::always_inline]] inline void for_each_panel(Range channels, F&& f) {
  Index first = channels.begin;
  const auto whole = [&](auto count) __attribute__((always_inline)) {
    constexpr Index width = count * lanes<T>;
    for (; first + width <= channels.end; first += width) {
      f(Panel<T, count, true>{first, Mask<T>(true)});
    }
  };
  whole(std::integral_constant<int, panel_vectors>{});
  if constexpr (panel_vectors > last_vectors) {
    whole(std::integral_constant<int, last_vectors>{});
  }
  if constexpr (narrow) {
    whole(std::integral_constant<int, 2>{});
    whole(std::integral_constant<int, 1>{});
  }
  const Index left = channels.end - first;
  const Index vectors = (left + lanes<T> - 1) / lanes<T>;
  unroll<narrow ? 1 : last_vectors>([&](auto k) __attribute__((always_inline)) {
    if (vectors == k + 1) {
      f(Panel<T, k + 1, false>{first, first_lanes<T>(left - k * lanes<T>)});
    }
  });
}

// Some rows, and some of the places of each of their channels.
struct ChannelBlock {
  Range rows, space;

  Index size() const { return rows.size() * space.size(); }
};

// Calls f(block) for blocks of about `size` elements of each channel, in order.
template <class F>
void for_each_block(Index rows, Index space, Index size, F&& f) {
  const Index height = std::max<Index>(1, size / std::max<Index>(1, space));
  for (Index row = 0; row < rows; row += height) {
    for (Index begin = 0; begin < space; begin += size) {
      f(ChannelBlock{{row, std::min(row + height, rows)}, {begin, std::min(begin + size, space)}});
    }
  }
}

// Elements of a channel in a block: where lanes run across channels, many channels share the cache.
inline constexpr Index block_across = 256, block_along = 2048;

// The functions for a block and a panel are not inlined: in one function for all panels, vectors would not stay in
// registers.

// dgamma = sum of dy (x - mean) rstd and dbeta = sum of dy, of some channels, over all rows and all of space, added in
// blocks. `Moments` knows mean and rstd, by channel or by row and channel.
template <class T, class P, class Moments>
[[gnu::noinline]] void sum_panel(P panel, ChannelBlock block, Index channels, Rows<const T> x, Rows<const T> dy,
                                 Moments moments, T* dgamma, T* dbeta) {
  using V = Vec<T>;
  V mean[P::vectors], rstd[P::vectors], product[P::vectors] = {}, sum[P::vectors] = {};
  moments.of_channels(panel, mean);
  for (Index i = block.rows.begin; i < block.rows.end; ++i) {
    const Index from = block.space.begin * channels + panel.first;
    const T *values = x.row(i) + from, *gradients = dy.row(i) + from;
    if constexpr (Moments::by_row) {
      moments.of_row(panel, i, mean, rstd);
    }
    for (Index s = 0; s < block.space.size(); ++s, values += channels, gradients += channels) {
      panel.each([&](auto k, auto load, auto) __attribute__((always_inline)) {
        const V d = load(gradients);
        V centred = load(values) - mean[k];
        if constexpr (Moments::by_row) {
          centred *= rstd[k];
        }
        product[k] += d * centred;
        sum[k] += d;
      });
    }
  }
  panel.each([&](auto k, auto load, auto store) __attribute__((always_inline)) {
    if (dgamma) {
      if constexpr (!Moments::by_row) {
        product[k] *= load(moments.rstd + panel.first);
      }
      store(load(dgamma + panel.first) + product[k], dgamma + panel.first);
    }
    if (dbeta) {
      store(load(dbeta + panel.first) + sum[k], dbeta + panel.first);
    }
  });
}

template <class T, class Moments>
void sum_channel(Index c, ChannelBlock block, Index space, Rows<const T> x, Rows<const T> dy, Moments moments,
                 T* dgamma, T* dbeta) {
  using V = Vec<T>;
  Sums<T, 2> sums;
  for (Index i = block.rows.begin; i < block.rows.end; ++i) {
    const Index from = c * space + block.space.begin;
    const T *values = x.row(i) + from, *gradients = dy.row(i) + from;
    const auto [mean, rstd] = moments.at(i, c);
    const V m = mean, r = rstd;
    sums.add(block.space.size(), [&](Index s, auto load, V& product, V& sum) __attribute__((always_inline)) {
      const V d = load(gradients + s);
      product += d * ((load(values + s) - m) * r);
      sum += d;
    });
  }
  if (dgamma) {
    dgamma[c] += sums.total(0);
  }
  if (dbeta) {
    dbeta[c] += sums.total(1);
  }
}

template <class T, class Moments>
void parameter_sums(Index rows, const Features& f, Rows<const T> x, Rows<const T> dy, const Moments& moments,
                    Range channels, T* dgamma, T* dbeta) {
  if (across(f)) {
    for_each_block(rows, f.space, block_across, [&](const ChannelBlock& block) {
      for_each_panel<T>(
          channels, [&](const auto& panel) { sum_panel<T>(panel, block, f.channels, x, dy, moments, dgamma, dbeta); });
    });
  } else {
    for_each_block(rows, f.space, block_along, [&](const ChannelBlock& block) {
      for (Index c = channels.begin; c < channels.end; ++c) {
        sum_channel<T>(c, block, f.space, x, dy, moments, dgamma, dbeta);
      }
    });
  }
}

}  // namespace fastopt::FASTOPT_ISA
