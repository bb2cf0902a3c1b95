// Convolutions of each channel by itself, straight from an image with its channels last: vectors run over the channels.
#pragma once

#include <algorithm>

#include "kernels/conv/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// The channels that some outputs of a pixel see.
template <class T, class Read>
[[gnu::always_inline]] inline Vec<T> seen_by(const T* pixel, Index output, Index multiplier, Index outputs,
                                             Read&& read) {
  if (multiplier == 1) {
    return read(pixel + output);
  }
  T values[lanes<T>];
  for (Index l = 0; l < lanes<T>; ++l) {
    values[l] = pixel[std::min(output + l, outputs - 1) / multiplier];
  }
  return load<T>(values);
}

// y = bias + the sums over the taps, or y += them.
template <class T>
void convolve_channels(const Window& w, Index multiplier, const T* x, const T* weights, const T* bias, bool accumulate,
                       T* y) {
  const Index outputs = w.channels * multiplier;
  constexpr int together = 4;  // places that share what is read of the weights
  for (Index i = 0; i < w.out_height; ++i) {
    const auto sums = [&](auto places, Index j) __attribute__((always_inline)) {
      constexpr int n = places;
      const Index left = j * w.stride_width - w.pad_left;
      for_each_vector<T>(outputs, [&](Index o, auto&& read, auto&& write) __attribute__((always_inline)) {
        T* const to = y + (i * w.out_width + j) * outputs + o;
        Vec<T> sum[n];
        unroll<n>([&](auto k) __attribute__((always_inline)) {
          sum[k] = accumulate ? read(to + k * outputs) : bias ? read(bias + o) : Vec<T>(T(0));
        });
        for (Index row = 0; row < w.kernel_height; ++row) {
          const Index at = i * w.stride_height - w.pad_top + row * w.dilation_height;
          for (Index tap = 0; at >= 0 && at < w.height && tap < w.kernel_width; ++tap) {
            const Index first = left + tap * w.dilation_width;
            if (n == 1 && (first < 0 || first >= w.width)) {
              continue;
            }
            const Vec<T> weight = read(weights + (row * w.kernel_width + tap) * outputs + o);
            unroll<n>([&](auto k) __attribute__((always_inline)) {
              const T* const pixel = x + (at * w.width + first + k * w.stride_width) * w.channels;
              sum[k] += weight * seen_by(pixel, o, multiplier, outputs, read);
            });
          }
        }
        unroll<n>([&](auto k) __attribute__((always_inline)) { write(sum[k], to + k * outputs); });
      });
    };
    const Index seen = (w.kernel_width - 1) * w.dilation_width + 1;
    for (Index j = 0; j < w.out_width;) {
      const Index left = j * w.stride_width - w.pad_left;
      if (j + together <= w.out_width && left >= 0 && left + (together - 1) * w.stride_width + seen <= w.width) {
        sums(std::integral_constant<int, together>(), j);
        j += together;
      } else {
        sums(std::integral_constant<int, 1>(), j);
        ++j;
      }
    }
  }
}

// f(pixel, tap, place) for all that see each other.
template <class F>
[[gnu::always_inline]] inline void for_each_sight(const Window& w, Index tap, F&& f) {
  const Index row = tap / w.kernel_width, column = tap % w.kernel_width;
  for (Index i = 0; i < w.out_height; ++i) {
    const Index y = i * w.stride_height - w.pad_top + row * w.dilation_height;
    for (Index j = 0; y >= 0 && y < w.height && j < w.out_width; ++j) {
      const Index x = j * w.stride_width - w.pad_left + column * w.dilation_width;
      if (x >= 0 && x < w.width) {
        f(y * w.width + x, i * w.out_width + j);
      }
    }
  }
}

// dx += what dy gives back.
template <class T>
void spread_channels(const Window& w, Index multiplier, const T* dy, const T* weights, T* dx) {
  const Index outputs = w.channels * multiplier;
  for (Index tap = 0; tap < w.taps(); ++tap) {
    const T* const weight = weights + tap * outputs;
    for_each_sight(w, tap, [&](Index pixel, Index place) __attribute__((always_inline)) {
      T* const to = dx + pixel * w.channels;
      const T* const from = dy + place * outputs;
      if (multiplier == 1) {
        for_each_vector<T>(outputs, [&](Index o, auto&& read, auto&& write) __attribute__((always_inline)) {
          write(read(to + o) + read(from + o) * read(weight + o), to + o);
        });
      } else {
        for (Index o = 0; o < outputs; ++o) {
          to[o / multiplier] += from[o] * weight[o];
        }
      }
    });
  }
}

// dw = the sums over the places of x dy, or dw += them.
template <class T>
void correlate_channels(const Window& w, Index multiplier, const T* x, const T* dy, bool accumulate, T* dw) {
  const Index outputs = w.channels * multiplier;
  for_each_vector<T>(outputs, [&](Index o, auto&& read, auto&& write) __attribute__((always_inline)) {
    for (Index tap = 0; tap < w.taps(); ++tap) {
      T* const to = dw + tap * outputs + o;
      Vec<T> sum = accumulate ? read(to) : Vec<T>(T(0));
      for_each_sight(w, tap, [&](Index pixel, Index place) __attribute__((always_inline)) {
        sum += seen_by(x + pixel * w.channels, o, multiplier, outputs, read) * read(dy + place * outputs + o);
      });
      write(sum, to);
    }
  });
}

}  // namespace fastopt::FASTOPT_ISA
