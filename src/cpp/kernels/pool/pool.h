// Pooling: the largest value or the mean of each window.
#pragma once

#include <algorithm>
#include <bit>

#include "kernels/pool/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// What is inside the image of the windows of one vector of outputs: of channels of one place, or, channels first,
// places of one row and channel.
struct Windows {
  Index x, y;           // where the first value of the first window is, and its output
  Index skipped;        // values from the corner of a window to its first value
  Index rows, columns;  // places
  Index count() const { return rows * columns; }
};

// f(windows, load, store) for all outputs of a sample.
template <class T, class F>
[[gnu::always_inline]] inline void for_each_windows(const Pool& p, F&& f) {
  using V = Vec<T>;
  const Index depth = p.depth(), step = p.stride_width;
  // The outputs whose windows have all their columns inside.
  const Index first = p.pad_left < 0 ? 0 : (p.pad_left + step - 1) / step;
  const Index last = p.width + p.pad_left < p.kernel_width ? 0 : (p.width + p.pad_left - p.kernel_width) / step + 1;
  const Range whole{first, std::min(last, p.out_width)};
  const bool along = depth == 1 && whole.size() >= lanes<T>;
  const bool across = depth == 1 && !along && p.planes() >= lanes<T>;
  const Index read_step = across ? p.height * p.width : step, write_step = across ? p.places() : 1;
  for (Index plane = 0; plane < p.planes(); plane += across ? lanes<T> : 1) {
    plane = across ? std::min(plane, p.planes() - lanes<T>) : plane;
    for (Index i = 0; i < p.out_height; ++i) {
      const Range rows = p.rows(i);
      for (Index j = 0; j < p.out_width; ++j) {
        const bool places = along && j >= whole.begin && j < whole.end, many = places || across;
        j = places ? std::min(j, whole.end - lanes<T>) : j;
        const Range columns = p.columns(j);
        const Index at = (rows.begin * p.width + columns.begin) * depth;
        Windows w{.x = plane * p.height * p.width + at,
                  .y = (plane * p.places()) + (i * p.out_width + j) * depth,
                  .skipped = at - p.corner(i, j),
                  .rows = rows.size(),
                  .columns = columns.size()};
        if (many) {
          f(
              w, [=](const T* from) { return V([=](auto k) { return from[k * read_step]; }); },
              [=](const V& v, T* to) {
                if (write_step == 1) {
                  store<T>(v, to);
                } else {
                  unroll<lanes<T>>([&](auto k) { to[k * write_step] = v[k]; });
                }
              });
          j += places ? lanes<T> - 1 : 0;
        } else {
          for_each_vector<T>(depth, [&](Index channel, auto load_some, auto store_some) {
            Windows some = w;
            some.x += channel;
            some.y += channel;
            f(some, load_some, store_some);
          });
        }
      }
    }
  }
}

template <class T>
void largest_of_windows(const Pool& p, const T* x, T* y, T* place) {
  using V = Vec<T>;
  const Index depth = p.depth(), line = p.width * depth;
  for_each_windows<T>(p, [&](const Windows& w, auto load, auto store) __attribute__((always_inline)) {
    const T* const from = x + w.x;
    V largest = load(from), places = std::bit_cast<T>(static_cast<PoolPlace<T>>(w.skipped));
    for (Index i = 0; i < w.rows; ++i) {
      for (Index j = 0; j < w.columns; ++j) {
        const Index at = i * line + j * depth;
        const V v = load(from + at);
        const Mask<T> larger = v > largest || v != v;
        where(larger, largest) = v;
        where(larger, places) = V(std::bit_cast<T>(static_cast<PoolPlace<T>>(w.skipped + at)));
      }
    }
    store(largest, y + w.y);
    store(places, place + w.y);
  });
}

// What each of the places of a window counts.
template <class T>
T share(bool mean, Index places) {
  return mean ? T(1) / static_cast<T>(places) : T(1);
}

template <class T>
void sum_windows(const Pool& p, bool mean, const T* x, T* y) {
  using V = Vec<T>;
  const Index depth = p.depth(), line = p.width * depth, all = p.taps();
  const T whole = share<T>(mean, all);
  for_each_windows<T>(p, [&](const Windows& w, auto load, auto store) __attribute__((always_inline)) {
    const T* const from = x + w.x;
    V sum = 0;
    for (Index i = 0; i < w.rows; ++i) {
      for (Index j = 0; j < w.columns; ++j) {
        sum += load(from + i * line + j * depth);
      }
    }
    store(sum * (w.count() == all ? whole : share<T>(mean, w.count())), y + w.y);
  });
}

template <class T>
void spread_over_windows(const Pool& p, bool mean, const T* dy, T* dx) {
  const Index depth = p.depth(), line = p.width * depth;
  const Index all = p.taps();
  const T whole = share<T>(mean, all);
  std::fill_n(dx, p.size(), T(0));
  for (Index plane = 0; plane < p.planes(); ++plane, dx += p.height * line) {
    for (Index i = 0; i < p.out_height; ++i) {
      for (Index j = 0; j < p.out_width; ++j, dy += depth) {
        const Range rows = p.rows(i), columns = p.columns(j);
        const Index places = rows.size() * columns.size();
        const T part = places == all ? whole : share<T>(mean, places);
        for (Index row = rows.begin; row < rows.end; ++row) {
          T* const to = dx + row * line;
          if (depth == 1) {
            for (Index column = columns.begin; column < columns.end; ++column) {
              to[column] += part * *dy;
            }
            continue;
          }
          for (Index column = columns.begin; column < columns.end; ++column) {
            for (Index channel = 0; channel < depth; ++channel) {
              to[column * depth + channel] += part * dy[channel];
            }
          }
        }
      }
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
