// Averages of the parameters over the steps (Polyak and Juditsky, SIAM J. Control Optim. 30, 1992).
#pragma once

#include "optim/transforms/transform.h"

namespace fastopt {

// average <- average + value (w - average)
struct Average {
  static constexpr std::string_view name = "average", slot = "average";
  static constexpr double neutral = 0;
  static constexpr bool copies = true;
  template <class T>
  static void after(const Chunk<T>& c) {
    c.kernels.approach(c.parameter, c.slot, c.value, c.size);
  }
};

}  // namespace fastopt
