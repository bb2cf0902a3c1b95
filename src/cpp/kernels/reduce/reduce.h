// Reductions in a fixed order, accumulated in double: the same for any number of threads and on every processor.
#pragma once

#include <cmath>

#include "kernels/reduce/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T, class F>
double reduce(const T* x, Index size, F&& f) {
  constexpr int width = 16;
  double total[width] = {};
  Index i = 0;
  for (; i + width <= size; i += width) {
    for (int l = 0; l < width; ++l) {
      total[l] += f(static_cast<double>(x[i + l]));
    }
  }
  for (int l = 0; i < size; ++i, ++l) {
    total[l] += f(static_cast<double>(x[i]));
  }
  for (int half = width / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; ++l) {
      total[l] += total[l + half];
    }
  }
  return total[0];
}

template <class T>
double sum(const T* x, Index size) {
  return reduce(x, size, [](double v) { return v; });
}

template <class T>
double sum_of_squares(const T* x, Index size) {
  return reduce(x, size, [](double v) { return v * v; });
}

// The place of the first NaN or infinity, -1 without one.
template <class T>
Index first_nonfinite(const T* x, Index size) {
  constexpr Index block = 1024;
  for (Index begin = 0; begin < size; begin += block) {
    const Index end = size - begin < block ? size : begin + block;
    Vec<T> seen = 0;  // x - x is 0 for a finite x, NaN otherwise
    for_each_vector<T>(end - begin, [&](Index i, auto load, auto) {
      const Vec<T> v = load(x + begin + i);
      seen += v - v;
    });
    if (any_of(seen != seen)) {
      for (Index i = begin; i < end; ++i) {
        if (!std::isfinite(x[i])) {
          return i;
        }
      }
    }
  }
  return -1;
}

}  // namespace fastopt::FASTOPT_ISA
