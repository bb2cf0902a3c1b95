// Pulls towards zero, for the tensors that decay: by a term of the gradient, or beside the step (Loshchilov and Hutter,
// Decoupled weight decay regularization, ICLR 2019), or after it.
#pragma once

#include <algorithm>
#include <cmath>

#include "optim/transforms/transform.h"

namespace fastopt {

struct L1 {
  static constexpr std::string_view name = "l1";
  static constexpr double neutral = 0;
  template <class T>
  static void adjust(double l1, Adjust<T>& a, double decay) {
    a.l1 = decay * l1;
  }
};

struct L2 {
  static constexpr std::string_view name = "l2";
  static constexpr double neutral = 0;
  template <class T>
  static void adjust(double l2, Adjust<T>& a, double decay) {
    a.l2 = decay * l2;
  }
};

// The part of the parameters, times the learning rate, that is subtracted along with the step. The driver does it, in
// the rule's own pass.
struct Decay {
  static constexpr std::string_view name = "decay";
  static constexpr double neutral = 0;
};

// w <- sign(w) max(|w| - lr value, 0) after the step: the proximal step of value |w|_1 (Daubechies, Defrise and De Mol,
// Communications on Pure and Applied Mathematics 57, 2004; Parikh and Boyd, Proximal algorithms, 2014).
struct ProximalL1 {
  static constexpr std::string_view name = "proximal_l1";
  static constexpr double neutral = 0;
  template <class T>
  static void after(const Chunk<T>& c) {
    const T threshold = static_cast<T>(c.decay_rate * c.value);
    std::transform(c.parameter, c.parameter + c.size, c.parameter, [=](T w) {
      const T size = std::abs(w) - threshold;
      return size < 0 ? T(0) : std::copysign(size, w);  // NaN stays NaN
    });
  }
};

}  // namespace fastopt
