// Limits of gradients: of the norm of each tensor's, of the norm of all together (Pascanu, Mikolov and Bengio, ICML
// 2013), and of each element.
#pragma once

#include <cmath>
#include <limits>

#include "optim/transforms/transform.h"

namespace fastopt {

inline double limited(double norm, double most) {
  return norm > most ? most / norm : 1;  // NaN has no limit
}

struct ClipNorm {
  static constexpr std::string_view name = "clip_norm";
  static constexpr double neutral = std::numeric_limits<double>::infinity();
  static void limit(double most, const Norms& norms) {
    for (std::size_t i = 0; i < norms.squares.size(); ++i) {
      norms.factor[i] *= limited(norms.factor[i] * std::sqrt(norms.squares[i]), most);
    }
  }
};

struct ClipGlobalNorm {
  static constexpr std::string_view name = "clip_global_norm";
  static constexpr double neutral = std::numeric_limits<double>::infinity();
  static void limit(double most, const Norms& norms) {
    double all = 0;
    for (std::size_t i = 0; i < norms.squares.size(); ++i) {
      all += norms.factor[i] * norms.factor[i] * norms.squares[i];
    }
    const double common = limited(std::sqrt(all), most);
    for (double& factor : norms.factor) {
      factor *= common;
    }
  }
};

struct ClipValue {
  static constexpr std::string_view name = "clip_value";
  static constexpr double neutral = std::numeric_limits<double>::infinity();
  template <class T>
  static void adjust(double most, Adjust<T>& a, bool) {
    a.limit = most;
  }
};

}  // namespace fastopt
