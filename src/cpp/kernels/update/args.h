// What update rules, and what surrounds them, are told.
#pragma once

#include <array>

#include "core/types.h"

namespace fastopt {

inline constexpr int max_slots = 4;
inline constexpr int max_coefficients = 10;
inline constexpr int tensor_factor = max_coefficients - 1;  // the coefficient that a rule's sums over a tensor give it
inline constexpr int max_hyper = 8;
inline constexpr int max_sums = 2;
using Coefficients = std::array<double, max_coefficients>;

template <class T>
struct Update {
  Index size;
  T* parameter;
  const T* gradient;
  std::array<T*, max_slots> slots;
  Coefficients coefficients;
  std::array<double, max_sums>* sums = nullptr;  // of the rules that have some, over the elements
};

// to <- g + l2 w + l1 sign(w) with g the gradient times `scale`, clipped to -limit..limit.
template <class T>
struct Adjust {
  Index size;
  const T* parameter;
  const T* gradient;
  T* to;
  double scale, limit, l1, l2;
};

}  // namespace fastopt
