// Lengths of vectors whose squares may be too large for a double.
#pragma once

#include <cmath>
#include <limits>

#include "core/types.h"

namespace fastopt {

// The root of a sum of squares of finite numbers; where it has overflowed, of at(0), at(1), ... anew, in long double,
// whose exponents are wider.
template <class F>
long double norm_of(double squares, Index count, F&& at) {
  if (squares <= std::numeric_limits<double>::max()) {
    return std::sqrt(squares);
  }
  long double sum = 0;
  for (Index i = 0; i < count; ++i) {
    const long double value = at(i);
    sum += value * value;
  }
  return std::sqrt(sum);
}

}  // namespace fastopt
