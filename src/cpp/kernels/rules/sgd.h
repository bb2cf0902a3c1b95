// Gradient descent and its momentum forms. w: parameter, g: gradient, v: velocity.
#pragma once

#include "kernels/rules/rule.h"

namespace fastopt::FASTOPT_ISA {

// w <- w - lr g
struct Sgd {
  static constexpr std::string_view name = "sgd";
  static constexpr std::array<std::string_view, 0> slots{};
  static constexpr std::array<std::string_view, 1> hyper{"learning_rate"};
  static Coefficients prepare(const double* h, Index) { return {h[0]}; }
  template <class V>
  static V apply(const V* c, const V& g) {
    return c[0] * g;
  }
};

// v <- mu v - lr g;  w <- w + v, or with the gradient's step looked ahead (Sutskever et al., 2013) w <- w + mu v - lr g
template <bool nesterov>
struct MomentumRule {
  static constexpr std::string_view name = nesterov ? "nesterov" : "momentum";
  static constexpr std::array<std::string_view, 1> slots{"v"};
  static constexpr std::array<std::string_view, 2> hyper{"learning_rate", "momentum"};
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1]}; }
  template <class V>
  static V apply(const V* c, const V& g, V& v) {
    const V step = c[0] * g;
    v = c[1] * v - step;
    return nesterov ? step - c[1] * v : -v;
  }
};

// theta = w;  w <- theta + mu v, and with the gradient there:  v <- mu v - lr g;  w <- theta + v
struct LookAhead {
  static constexpr std::string_view name = "nesterov_look_ahead";
  static constexpr std::array<std::string_view, 2> slots{"v", "theta"};
  static constexpr std::array<std::string_view, 2> hyper{"learning_rate", "momentum"};
  static constexpr int theta = 1;
  static Coefficients prepare(const double* h, Index) { return {h[0], h[1]}; }
  template <class V>
  static void look_ahead(const V* c, V& w, V& v, V& before) {
    before = w;
    w += c[1] * v;
  }
  template <class V>
  static V apply(const V* c, const V& g, V& v, const V&) {
    v = c[1] * v - c[0] * g;
    return -v;
  }
};

// v <- mu v + (1 - d) g;  w <- w - lr v, or looked ahead w <- w - lr (g + mu v). With d = mu the velocity is a mean.
// Where dampen_first is 0, the first gradient enters the velocity whole.
template <bool nesterov>
struct HeavyBallRule {
  static constexpr std::string_view name = nesterov ? "heavy_ball_nesterov" : "heavy_ball";
  static constexpr std::array<std::string_view, 1> slots{"v"};
  static constexpr std::array<std::string_view, 4> hyper{"learning_rate", "momentum", "dampening", "dampen_first"};
  static Coefficients prepare(const double* h, Index step) {
    return {h[0], h[1], step == 1 && h[3] == 0 ? 1 : 1 - h[2]};
  }
  template <class V>
  static V apply(const V* c, const V& g, V& v) {
    v = c[1] * v + c[2] * g;
    return c[0] * (nesterov ? g + c[1] * v : v);
  }
};

using sgd_rules =
    List<Sgd, MomentumRule<false>, MomentumRule<true>, LookAhead, HeavyBallRule<false>, HeavyBallRule<true>>;

}  // namespace fastopt::FASTOPT_ISA
