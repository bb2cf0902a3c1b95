// Patches of an image as the rows of a matrix, and back.
#pragma once

#include <algorithm>

#include "kernels/conv/args.h"
#include "simd/transpose.h"

namespace fastopt::FASTOPT_ISA {

// A run: what lies side by side both in the rows and in the image, and so one tap, or some of a row of the window. For
// some places of a row of the output: `size` elements of each, `at` a place of the rows and `from` one of the image,
// from place to place so many steps further on.
struct Run {
  Index at, from, size, places, step;
};

// outside(run) for what lies outside the image, inside(run) for what does not; of each element in the order of the
// window's rows and taps.
template <class Outside, class Inside>
[[gnu::always_inline]] inline void for_each_run(const Patches& p, Outside&& outside, Inside&& inside) {
  const Window& w = p.window;
  const Index channels = p.channels.size();
  const Index pixel = w.channels_last ? w.channels : 1, channel = w.channels_last ? 1 : w.height * w.width;
  // Whether the taps of a row of the window lie side by side.
  const bool joined = w.channels_last && w.dilation_width == 1 && channels == w.channels;
  for (Index tap = p.taps.begin; tap < p.taps.end;) {
    const Index row = tap / w.kernel_width, first = tap % w.kernel_width;
    const Index count = joined ? std::min(w.kernel_width - first, p.taps.end - tap) : 1;
    const Index size = count * channels, column = (tap - p.taps.begin) * channels;
    for (Index place = p.places.begin; place < p.places.end;) {
      const Index i = place / w.out_width, j = place % w.out_width,
                  end = std::min(w.out_width, j + p.places.end - place);
      const Index y = i * w.stride_height - w.pad_top + row * w.dilation_height;
      const Index left = first * w.dilation_width - w.pad_left;  // the pixel that place 0 sees first
      const auto x = [&](Index k) { return left + k * w.stride_width; };
      const auto at = [&](Index k) { return (place - p.places.begin + k - j) * p.stride + column; };
      // Some taps of one place.
      const auto part = [&](Index k, Index begin, Index stop, auto&& f) __attribute__((always_inline)) {
        if (stop > begin) {
          f(Run{at(k) + begin * channels, (y * w.width + x(k) + begin) * pixel + p.channels.begin * channel,
                (stop - begin) * channels, 1, 0});
        }
      };
      const auto border = [&](Index k) __attribute__((always_inline)) {
        const Index begin = std::clamp<Index>(-x(k), 0, count), stop = std::clamp<Index>(w.width - x(k), begin, count);
        part(k, 0, begin, outside);
        part(k, begin, stop, inside);
        part(k, stop, count, outside);
      };
      if (y < 0 || y >= w.height) {
        outside(Run{at(j), 0, size, end - j, 0});
      } else {
        Index k = j;
        for (; k < end && x(k) < 0; ++k) {
          border(k);
        }
        const Index inner = x(k) + count <= w.width ? std::min(end, (w.width - count - left) / w.stride_width + 1) : k;
        if (inner > k) {
          inside(Run{at(k), (y * w.width + x(k)) * pixel + p.channels.begin * channel, size, inner - k,
                     w.stride_width * pixel});
        }
        for (k = std::max(k, inner); k < end; ++k) {
          border(k);
        }
      }
      place += end - j;
    }
    tap += count;
  }
}

// Whole vectors are written: into the room between the rows, or where a run comes later.
template <class T>
void gather_patches(const Patches& p, const T* image, T* rows) {
  const Window& w = p.window;
  const Index channel = w.height * w.width;
  const auto outside = [&](const Run& run) __attribute__((always_inline)) {
    for (Index i = 0; i < run.places; ++i) {
      for (Index k = 0; k < run.size; k += lanes<T>) {
        store<T>(Vec<T>(T(0)), rows + run.at + i * p.stride + k);
      }
    }
  };
  for_each_run(p, outside, [&](const Run& run) __attribute__((always_inline)) {
    const T* from = image + run.from;
    T* to = rows + run.at;
    const Index whole = (run.size + lanes<T> - 1) / lanes<T> * lanes<T>;
    const bool vectors = w.channels_last && run.from + (run.places - 1) * run.step + whole <= w.size();
    for (Index i = 0; i < run.places; ++i, from += run.step, to += p.stride) {
      if (vectors) {
        for (Index k = 0; k < whole; k += lanes<T>) {
          store<T>(load<T>(from + k), to + k);
        }
      } else {
        for (Index k = 0; k < run.size; ++k) {
          to[k] = from[w.channels_last ? k : k * channel];
        }
      }
    }
  });
}

template <class T>
void scatter_patches(const Patches& p, const T* rows, T* image) {
  const Window& w = p.window;
  const Index channel = w.height * w.width;
  for_each_run(
      p, [](const Run&) {},
      [&](const Run& run) __attribute__((always_inline)) {
        const T* from = rows + run.at;
        T* to = image + run.from;
        for (Index i = 0; i < run.places; ++i, from += p.stride, to += run.step) {
          if (w.channels_last) {
            for_each_vector<T>(run.size, [&](Index k, auto&& read, auto&& write) __attribute__((always_inline)) {
              write(read(to + k) + read(from + k), to + k);
            });
          } else {
            for (Index k = 0; k < run.size; ++k) {
              to[k * channel] += from[k];
            }
          }
        }
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
