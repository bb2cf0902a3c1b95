// A rule is its name, its slots and hyperparameters by name, the coefficients of one step (in double, from the step
// number, which starts at 1) and the formula for one vector of elements.
#pragma once

#include <array>
#include <string_view>

#include "kernels/table.h"

namespace fastopt::FASTOPT_ISA {

// -1, 0 or 1; NaN stays NaN.
template <class V>
inline V sign(V x) {
  where(x > V(0), x) = V(1);
  where(x < V(0), x) = V(-1);
  return x;
}

}  // namespace fastopt::FASTOPT_ISA
