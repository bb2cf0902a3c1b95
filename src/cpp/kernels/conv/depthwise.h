// Convolutions of each channel by itself, whose channels lie side by side: vectors run over them.
#pragma once

#include <algorithm>

#include "kernels/conv/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// The channels that some outputs of a pixel see.
template <class T, class Read>
[[gnu::always_inline]] inline Vec<T> seen_by(const T* pixel, Index output, const Channelwise& c, Read&& read) {
  if (c.multiplier == 1) {
    return read(pixel + output);
  }
  T values[lanes<T>];
  for (Index l = 0; l < lanes<T>; ++l) {
    values[l] = pixel[std::min(output + l, c.outputs() - 1) / c.multiplier];
  }
  return load<T>(values);
}

// f(pixel of place 0, tap) for all taps.
template <class F>
[[gnu::always_inline]] inline void for_each_tap(const Channelwise& c, F&& f) {
  const Window& w = c.window;
  for (Index tap = 0, row = 0; row < w.kernel_height; ++row) {
    for (Index column = 0; column < w.kernel_width; ++column, ++tap) {
      f(row * w.dilation_height * c.line + column * w.dilation_width * c.pixel, tap);
    }
  }
}

// f(pixel of tap 0, place) for all places.
template <class F>
[[gnu::always_inline]] inline void for_each_place(const Channelwise& c, F&& f) {
  const Window& w = c.window;
  for (Index i = 0; i < c.rows; ++i) {
    for (Index j = 0; j < c.columns; ++j) {
      f(i * w.stride_height * c.line + j * w.stride_width * c.pixel, (i * c.columns + j) * c.place_step);
    }
  }
}

template <class T>
void convolve_channels(const Channelwise& c, const T* x, const T* weights, const T* bias, bool accumulate, T* y) {
  constexpr int together = 4;  // places that share what is read of the weights
  const Index step = c.window.stride_width * c.pixel;
  for (Index i = 0; i < c.rows; ++i) {
    const auto sums = [&](auto places, Index j) __attribute__((always_inline)) {
      constexpr int n = places;
      const T* const from = x + i * c.window.stride_height * c.line + j * step;
      for_each_vector<T>(c.outputs(), [&](Index o, auto&& read, auto&& write) __attribute__((always_inline)) {
        T* const to = y + (i * c.columns + j) * c.place_step + o;
        Vec<T> sum[n];
        unroll<n>([&](auto k) __attribute__((always_inline)) {
          sum[k] = accumulate ? read(to + k * c.place_step) : bias ? read(bias + o) : Vec<T>(T(0));
        });
        for_each_tap(c, [&](Index at, Index tap) __attribute__((always_inline)) {
          const Vec<T> weight = read(weights + tap * c.weight_step + o);
          unroll<n>([&](auto k) __attribute__((always_inline)) {
            sum[k] += weight * seen_by(from + at + k * step, o, c, read);
          });
        });
        unroll<n>([&](auto k) __attribute__((always_inline)) { write(sum[k], to + k * c.place_step); });
      });
    };
    Index j = 0;
    for (; j + together <= c.columns; j += together) {
      sums(std::integral_constant<int, together>(), j);
    }
    for (; j < c.columns; ++j) {
      sums(std::integral_constant<int, 1>(), j);
    }
  }
}

template <class T>
void spread_channels(const Channelwise& c, const T* dy, const T* weights, T* dx) {
  for_each_tap(c, [&](Index at, Index tap) __attribute__((always_inline)) {
    const T* const weight = weights + tap * c.weight_step;
    for_each_place(c, [&](Index pixel, Index place) __attribute__((always_inline)) {
      T* const to = dx + at + pixel;
      const T* const from = dy + place;
      if (c.multiplier == 1) {
        for_each_vector<T>(c.channels, [&](Index o, auto&& read, auto&& write) __attribute__((always_inline)) {
          write(read(to + o) + read(from + o) * read(weight + o), to + o);
        });
      } else {
        for (Index o = 0; o < c.outputs(); ++o) {
          to[o / c.multiplier] += from[o] * weight[o];
        }
      }
    });
  });
}

template <class T>
void correlate_channels(const Channelwise& c, const T* x, const T* dy, bool accumulate, T* dw) {
  for_each_vector<T>(c.outputs(), [&](Index o, auto&& read, auto&& write) __attribute__((always_inline)) {
    for_each_tap(c, [&](Index at, Index tap) __attribute__((always_inline)) {
      T* const to = dw + tap * c.weight_step + o;
      Vec<T> sum = accumulate ? read(to) : Vec<T>(T(0));
      for_each_place(c, [&](Index pixel, Index place) __attribute__((always_inline)) {
        sum += seen_by(x + at + pixel, o, c, read) * read(dy + place + o);
      });
      write(sum, to);
    });
  });
}

}  // namespace fastopt::FASTOPT_ISA
