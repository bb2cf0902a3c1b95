// Penalties of large weights or values: l1 |w|_1 + l2 |w|^2, with the gradient l1 sign(w) + 2 l2 w.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/update/args.h"
#include "runtime/cpu.h"

namespace fastopt {

struct Penalty {
  double l1 = 0, l2 = 0;

  bool any() const { return l1 != 0 || l2 != 0; }

  template <class T>
  double value(const T* w, Index size) const {
    constexpr Index lanes = 8;  // sums side by side, of which the compiler makes vectors
    double magnitudes[lanes] = {}, squares[lanes] = {};
    for (Index i = 0; i < size; i += lanes) {
      const Index count = size - i < lanes ? size - i : lanes;
      for (Index l = 0; l < count; ++l) {
        const auto v = static_cast<double>(w[i + l]);
        magnitudes[l] += std::abs(v);
        squares[l] += v * v;
      }
    }
    double magnitude = 0, square = 0;
    for (Index l = 0; l < lanes; ++l) {
      magnitude += magnitudes[l];
      square += squares[l];
    }
    return l1 * magnitude + l2 * square;
  }

  // to <- scale (l1 sign(w) + 2 l2 w), added to `gradient` where there is one; `to` may be `gradient`.
  template <class T>
  void differentiate(const T* w, const T* gradient, double scale, T* to, Index size) const {
    kernels<T>().update.adjust({.size = size,
                                .parameter = w,
                                .gradient = gradient ? gradient : w,
                                .to = to,
                                .scale = gradient ? 1 : scale * 2 * l2,
                                .limit = std::numeric_limits<double>::infinity(),
                                .l1 = scale * l1,
                                .l2 = gradient ? scale * 2 * l2 : 0});
  }

  // to <- scale 2 l2 v, the Hessian being that of the squares.
  template <class T>
  void multiply_hessian(const T* v, double scale, T* to, Index size) const {
    Penalty{0, l2}.differentiate<T>(v, nullptr, scale, to, size);
  }
};

}  // namespace fastopt
