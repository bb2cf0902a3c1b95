// Limits of gradients: of the norm of each tensor's, of the norm of all together (Pascanu, Mikolov and Bengio, ICML
// 2013), and of each element.
#pragma once

#include <cmath>
#include <limits>

#include "core/norm.h"
#include "optim/transforms/transform.h"

namespace fastopt {

inline double factor_within(double limit, double norm) {
  return norm > limit ? limit / norm : 1;  // NaN has no limit
}

struct ClipNorm {
  static constexpr std::string_view name = "clip_norm";
  static constexpr double neutral = std::numeric_limits<double>::infinity();
  static void limit(double value, const Norms& norms) {
    for (std::size_t i = 0; i < norms.squares.size(); ++i) {
      norms.factor[i] *= factor_within(value, norms.factor[i] * norms.norms[i]);
    }
  }
};

struct ClipGlobalNorm {
  static constexpr std::string_view name = "clip_global_norm";
  static constexpr double neutral = std::numeric_limits<double>::infinity();
  static void limit(double value, const Norms& norms) {
    double all = 0;
    for (std::size_t i = 0; i < norms.squares.size(); ++i) {
      all += norms.factor[i] * norms.factor[i] * norms.squares[i];
    }
    const auto norm = norm_of(all, static_cast<Index>(norms.norms.size()), [&](Index i) {
      return norms.factor[static_cast<std::size_t>(i)] * norms.norms[static_cast<std::size_t>(i)];
    });
    const double common = factor_within(value, static_cast<double>(norm));
    for (double& factor : norms.factor) {
      factor *= common;
    }
  }
};

struct ClipValue {
  static constexpr std::string_view name = "clip_value";
  static constexpr double neutral = std::numeric_limits<double>::infinity();
  template <class T>
  static void adjust(double value, Adjust<T>& a, double) {
    a.limit = value;
  }
};

}  // namespace fastopt
