// Steps along the mean of several gradients, each of which counts by the rows of its batch.
#pragma once

#include <algorithm>
#include <limits>

#include "core/buffer.h"
#include "optim/transforms/transform.h"

namespace fastopt {

// A value of 0 adds the gradient to those before it; one of k does the step along the mean of the k since the last. The
// step asks for it by name, because with it there may be none.
struct Accumulate {
  static constexpr std::string_view name = "every", slot = "gradient_sum";
  static constexpr double neutral = 1;

  // sum <- sum + weight * gradient
  template <class T>
  static void add(const UpdateKernels<T>& k, const T* gradient, T* sum, Index size, double weight) {
    if (weight == 1) {
      k.add(gradient, sum, size);
      return;
    }
    constexpr Index most = 1024;  // in the first-level cache
    alignas(alignment) T weighted[most];
    for (Index begin = 0; begin < size; begin += most) {
      const Index part = std::min(most, size - begin);
      k.adjust({.size = part,
                .parameter = gradient + begin,
                .gradient = gradient + begin,
                .to = weighted,
                .scale = weight,
                .limit = std::numeric_limits<double>::infinity(),
                .l1 = 0,
                .l2 = 0});
      k.add(weighted, sum + begin, part);
    }
  }
};

}  // namespace fastopt
