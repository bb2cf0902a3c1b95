// Steps along the mean of several gradients.
#pragma once

#include "optim/transforms/transform.h"

namespace fastopt {

// A value of 0 adds the gradient to those before it; one of k does the step along the mean of the k since the last. The
// step asks for it by name, because with it there may be none.
struct Accumulate {
  static constexpr std::string_view name = "every", slot = "gradient_sum";
  static constexpr double neutral = 1;
};

}  // namespace fastopt
