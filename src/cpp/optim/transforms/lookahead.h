// Slow parameters, which the fast ones go back to (Zhang, Lucas, Hinton and Ba, Lookahead optimizer, NeurIPS 2019).
#pragma once

#include <algorithm>

#include "optim/transforms/transform.h"

namespace fastopt {

// slow <- slow + value (w - slow); w <- slow, in the steps in which the value is not 0.
struct Lookahead {
  static constexpr std::string_view name = "lookahead", slot = "slow";
  static constexpr double neutral = 0;
  static constexpr bool copies = true;
  template <class T>
  static void first(const Chunk<T>& c) {
    std::copy_n(c.start, c.size, c.slot);
  }
  template <class T>
  static void after(const Chunk<T>& c) {
    c.kernels.approach(c.parameter, c.slot, c.value, c.size);
    std::copy_n(c.slot, c.size, c.parameter);
  }
};

}  // namespace fastopt
