// The arguments of update rules, and of what surrounds them.
#pragma once

#include <array>

#include "core/types.h"

namespace fastopt {

inline constexpr int max_slots = 6;
inline constexpr int max_coefficients = 12;
inline constexpr int tensor_factor = max_coefficients - 1;  // the coefficient that a rule's sums over a tensor give it
inline constexpr int variant_place = max_coefficients - 1;  // that which says which variant of `apply` a rule takes
inline constexpr int max_hyper = 10;
inline constexpr int max_sums = 4;
using Coefficients = std::array<double, max_coefficients>;

// What a slot has an element for: each of the tensor, each row or each column of its last two dimensions, or nothing.
// The squares are of one matrix, and of sides that are not too long.
enum class Extent { tensor, rows, columns, square_of_rows, square_of_columns, nothing };

// A tensor [count, rows, columns]: so many matrices. `longest`: the longest side whose square is not too large.
struct Sides {
  Index count, rows, columns, longest = 0;

  Index size() const { return count * rows * columns; }
};

template <class T>
struct Update {
  Index size;
  T* parameter;
  const T* gradient;
  std::array<T*, max_slots> slots;
  Coefficients coefficients;
  double decay = 0;                              // the part of each parameter that is subtracted along with the step
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

template <class T>
struct UpdateKernels {
  using Rule = void (*)(const Update<T>&);
  // By rule: what it does with a gradient; then, of the rules that have it, once its sums are known; before the
  // gradient; to have its average in the place of the parameters; and with a gradient of a matrix that is taken whole.
  const Rule *apply, *finish, *look_ahead, *to_average, *from_average, *gather;
  void (*adjust)(const Adjust<T>&);
  void (*approach)(const T* x, T* y, double part, Index size);  // y <- y + part (x - y)
  void (*add)(const T* x, T* y, Index size);                    // y <- y + x
  // to <- x, or 0 where x and y have the same sign or one is 0; the number of the others. NaN is one of these.
  Index (*mask)(const T* x, const T* y, T* to, Index size);
};

}  // namespace fastopt
