// The way to where the gradient is taken in sharpness-aware minimization (Foret, Kleiner, Mobahi and Neyshabur, ICLR
// 2021), and where it follows the size of each parameter (Kwon, Kim, Park and Choi, ASAM, ICML 2021).
#pragma once

#include "optim/transforms/transform.h"

namespace fastopt {

// With t = 1, or t = |w| where it is adaptive: w <- w + rho t^2 g / (|t g| + 1e-12), the norm over all tensors. The
// value is rho. The second gradient is taken there; the step is done from the parameters before.
template <bool adaptive>
struct Ascent {
  static constexpr std::string_view name = adaptive ? "adaptive_ascent" : "ascent";
  static constexpr double neutral = 0;
  static constexpr bool spares = true;
};

inline double ascent_factor(double rho, long double norm) {
  return static_cast<double>(rho / (norm + 1e-12L));
}

}  // namespace fastopt
