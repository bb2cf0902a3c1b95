// Arithmetic on sizes that is refused where the result does not fit.
#pragma once

#include <stdexcept>
#include <string>

#include "core/types.h"

namespace fastopt {

// The next multiple at or above `value`; throws std::length_error where it does not fit.
inline Index round_up(Index value, Index multiple) {
  Index last;
  if (__builtin_add_overflow(value, multiple - 1, &last)) {
    throw std::length_error("a size of " + std::to_string(value) + " elements is too large");
  }
  return last / multiple * multiple;
}

// Throws std::length_error where the product does not fit.
inline Index checked_product(Index a, Index b) {
  Index result;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw std::length_error("a size of " + std::to_string(a) + " x " + std::to_string(b) + " elements is too large");
  }
  return result;
}

}  // namespace fastopt
