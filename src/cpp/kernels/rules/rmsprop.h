// RMSprop (Hinton, 2012), centered (Graves, 2013) and with momentum. s, m: running means of the gradient's square and
// of the gradient, v: velocity.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

enum class Velocity : std::uint8_t { none, heavy_ball, nesterov };

// s <- rho s + (1 - rho) g^2;  r = g / (sqrt(s) + epsilon);  w <- w - lr r
// Centered: m <- rho m + (1 - rho) g, and s - m^2 stands for s in r; it is at least 0 but for rounding.
// With momentum: v <- mu v + r;  w <- w - lr v, or looked ahead w <- w - lr (r + mu v).
template <bool centered, Velocity velocity>
struct Rmsprop {
  static constexpr bool moves = velocity != Velocity::none;
  static constexpr std::string_view name = [] {
    constexpr std::string_view names[2][3] = {
        {"rmsprop", "rmsprop_momentum", "rmsprop_nesterov"},
        {"rmsprop_centered", "rmsprop_centered_momentum", "rmsprop_centered_nesterov"}};
    return names[centered][static_cast<int>(velocity)];
  }();
  static constexpr auto slots = [] {
    std::array<std::string_view, 1 + centered + moves> names{"s"};
    if (centered) {
      names[1] = "m";
    }
    if (moves) {
      names[1 + centered] = "v";
    }
    return names;
  }();
  static constexpr bool squares = true;
  static constexpr auto hyper = [] {
    std::array<std::string_view, 3 + moves> names{"learning_rate", "rho", "epsilon"};
    if (moves) {
      names[3] = "momentum";
    }
    return names;
  }();
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1], 1 - h[1], h[2], moves ? h[3] : 0}; }
  template <class V, class... Rest>
  static V apply(const V* c, const V& g, V& s, Rest&... rest) {
    s = c[1] * s + c[2] * (g * g);
    V* const others[] = {&rest..., nullptr};
    V variance = s;
    if constexpr (centered) {
      V& m = *others[0];
      m = c[1] * m + c[2] * g;
      variance = max(s - m * m, V(0));
    }
    const V r = g / (sqrt(variance) + c[3]);
    if constexpr (moves) {
      V& v = *others[centered];
      v = c[4] * v + r;
      return c[0] * (velocity == Velocity::nesterov ? r + c[4] * v : v);
    } else {
      return c[0] * r;
    }
  }
};

using rmsprop_rules =
    List<Rmsprop<false, Velocity::none>, Rmsprop<false, Velocity::heavy_ball>, Rmsprop<false, Velocity::nesterov>,
         Rmsprop<true, Velocity::none>, Rmsprop<true, Velocity::heavy_ball>, Rmsprop<true, Velocity::nesterov>>;

}  // namespace fastopt::FASTOPT_ISA
