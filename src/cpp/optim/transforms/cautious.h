// Steps masked where they go up (Liang, Chen, Liu and Liu, Cautious optimizers: improving training with one line of
// code, arXiv:2411.16085).
#pragma once

#include <algorithm>

#include "optim/transforms/transform.h"

namespace fastopt {

// The step u of a rule is 0 where u g <= 0, and the rest of it, in each tensor, is divided by the part of the elements
// that is left, which counts as at least 0.001. A value of 1 does so.
struct Cautious {
  static constexpr std::string_view name = "cautious";
  static constexpr double neutral = 0;
  static constexpr bool spares = true;
  static double factor(double left, Index size) { return 1 / std::max(left / static_cast<double>(size), 1e-3); }
};

}  // namespace fastopt
