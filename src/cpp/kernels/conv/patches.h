// Patches of an image as the rows of a matrix, and back.
#pragma once

#include <algorithm>

#include "kernels/conv/args.h"
#include "simd/transpose.h"

namespace fastopt::FASTOPT_ISA {

// f(at, outside) and f(at, inside, from) for the runs of a row, in their order: elements from `at` on that lie outside
// the image, and such that lie inside from `from` on.
template <class Outside, class Inside>
[[gnu::always_inline]] inline void for_each_run(const Patches& p, Outside&& outside, Inside&& inside) {
  const Window& w = p.window;
  const Index channels = p.channels.size();
  const Index pixel = w.channels_last ? w.channels : 1, channel = w.channels_last ? 1 : w.height * w.width;
  // Whether the taps of a row of the window lie side by side.
  const bool joined = w.channels_last && w.dilation_width == 1 && channels == w.channels;
  const Index first_row = p.taps.begin / w.kernel_width, first_tap = p.taps.begin % w.kernel_width;
  Index i = p.places.begin / w.out_width, j = p.places.begin % w.out_width;
  for (Index place = 0; place < p.places.size(); ++place) {
    Index at = place * p.stride, row = first_row, tap = first_tap;
    for (Index left = p.taps.size(); left > 0;) {
      const Index count = joined ? std::min(w.kernel_width - tap, left) : 1;
      const Index y = i * w.stride_height - w.pad_top + row * w.dilation_height;
      const Index x = j * w.stride_width - w.pad_left + tap * w.dilation_width;
      const bool inner = y >= 0 && y < w.height;
      const Index begin = inner ? std::clamp<Index>(-x, 0, count) : count;
      const Index end = inner ? std::clamp<Index>(w.width - x, begin, count) : count;
      if (begin > 0) {
        outside(at, begin * channels);
      }
      if (end > begin) {
        inside(at + begin * channels, (end - begin) * channels,
               (y * w.width + x + begin) * pixel + p.channels.begin * channel);
      }
      if (count > end) {
        outside(at + end * channels, (count - end) * channels);
      }
      at += count * channels;
      left -= count;
      tap += count;
      if (tap == w.kernel_width) {
        tap = 0;
        ++row;
      }
    }
    if (++j == w.out_width) {
      j = 0;
      ++i;
    }
  }
}

// Whole vectors are written: what stands beyond a run comes later.
template <class T>
void gather_patches(const Patches& p, const T* image, T* rows) {
  const Window& w = p.window;
  const T* const end = image + w.size();
  const auto outside = [&](Index at, Index size) __attribute__((always_inline)) {
    for (Index k = 0; k < size; k += lanes<T>) {
      store<T>(Vec<T>(T(0)), rows + at + k);
    }
  };
  if (!w.channels_last) {
    const Index channel = w.height * w.width;
    for_each_run(p, outside, [&](Index at, Index size, Index from) __attribute__((always_inline)) {
      for (Index k = 0; k < size; ++k) {
        rows[at + k] = image[from + k * channel];
      }
    });
    return;
  }
  for_each_run(p, outside, [&](Index at, Index size, Index from) __attribute__((always_inline)) {
    const T* const run = image + from;
    Index k = 0;
    for (; k < size && run + k + lanes<T> <= end; k += lanes<T>) {
      store<T>(load<T>(run + k), rows + at + k);
    }
    for (; k < size; ++k) {
      rows[at + k] = run[k];
    }
  });
}

template <class T>
void scatter_patches(const Patches& p, const T* rows, T* image) {
  const Window& w = p.window;
  const auto outside = [](Index, Index) {};
  if (!w.channels_last) {
    const Index channel = w.height * w.width;
    for_each_run(p, outside, [&](Index at, Index size, Index from) __attribute__((always_inline)) {
      for (Index k = 0; k < size; ++k) {
        image[from + k * channel] += rows[at + k];
      }
    });
    return;
  }
  for_each_run(p, outside, [&](Index at, Index size, Index from) __attribute__((always_inline)) {
    for_each_vector<T>(size, [&](Index k, auto&& read, auto&& write) __attribute__((always_inline)) {
      write(read(image + from + k) + read(rows + at + k), image + from + k);
    });
  });
}

template <class T>
void transpose_matrix(const T* b, Index stride, Index rows, Index columns, T* to, Index to_stride) {
  Index i = 0;
  for (; i + lanes<T> <= rows; i += lanes<T>) {
    transpose<T>(b + i * stride, stride, lanes<T>, columns, to + i, to_stride);
  }
  for (; i < rows; ++i) {
    for (Index k = 0; k < columns; ++k) {
      to[k * to_stride + i] = b[i * stride + k];
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
