// RMSprop (Hinton, 2012), centered (Graves, 2013) and with momentum. s, m: running means of the gradient's square and
// of the gradient, v: velocity.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

enum class Velocity : std::uint8_t { none, heavy_ball, nesterov };

// s <- rho s + (1 - rho) g^2;  r = g / (sqrt(s) + epsilon);  w <- w - lr r
// With epsilon in the root: r = g / sqrt(s + epsilon).
// Centered: m <- rho m + (1 - rho) g, and s - m^2 stands for s in r; it is at least 0 but for rounding.
// With momentum: v <- mu v + lr r;  w <- w - v, or looked ahead w <- w - (lr r + mu v); or without the rate in the
// velocity: v <- mu v + r;  w <- w - lr v, or looked ahead w <- w - lr (r + mu v).
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
    std::array<std::string_view, 4 + 2 * moves> names{"learning_rate", "rho", "epsilon", "epsilon_in_root"};
    if (moves) {
      names[4] = "momentum";
      names[5] = "rate_in_velocity";
    }
    return names;
  }();
  static Coefficients prepare(const double* h, Index) {
    Coefficients c{h[0], h[1], 1 - h[1], h[2], moves ? h[4] : 0};
    c[variant_place] = h[3] + 2 * (moves ? h[5] : 0);
    return c;
  }
  static constexpr int variants = moves ? 4 : 2;  // 1: epsilon in the root; 2: the rate in the velocity
  template <int variant, class V, class... Rest>
  static V apply(const V* c, const V& g, V& s, Rest&... rest) {
    s = c[1] * s + c[2] * (g * g);
    V* const others[] = {&rest..., nullptr};
    V variance = s;
    if constexpr (centered) {
      V& m = *others[0];
      m = c[1] * m + c[2] * g;
      variance = max(s - m * m, V(0));
    }
    constexpr bool in_root = variant % 2 == 1, rate_in_velocity = variant >= 2;
    V r = g / (in_root ? sqrt(variance + c[3]) : sqrt(variance) + c[3]);
    if constexpr (moves) {
      if constexpr (rate_in_velocity) {
        r *= c[0];
      }
      V& v = *others[centered];
      v = c[4] * v + r;
      const V step = velocity == Velocity::nesterov ? r + c[4] * v : v;
      return rate_in_velocity ? step : c[0] * step;
    } else {
      return c[0] * r;
    }
  }
};

using rmsprop_rules =
    List<Rmsprop<false, Velocity::none>, Rmsprop<false, Velocity::heavy_ball>, Rmsprop<false, Velocity::nesterov>,
         Rmsprop<true, Velocity::none>, Rmsprop<true, Velocity::heavy_ball>, Rmsprop<true, Velocity::nesterov>>;

}  // namespace fastopt::FASTOPT_ISA
