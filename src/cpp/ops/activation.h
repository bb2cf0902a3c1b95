// The activations by name and by their place in the table of kernels.
#pragma once

#include <span>
#include <string_view>

#include "kernels/activation/args.h"
#include "runtime/cpu.h"

namespace fastopt {

inline constexpr int linear = 0;

template <class T = float>
std::span<const ActivationKernel<T>> activations() {
  return kernels<T>().activation.all;
}

template <class T = float>
const ActivationKernel<T>& activation_kernel(int activation) {
  return activations<T>()[static_cast<std::size_t>(activation)];
}

// The place of a name; throws std::invalid_argument that lists the known ones.
int find_activation(std::string_view name);

// Whether it is fused with a product, which does it to each part of its result.
inline bool is_fused(int activation) {
  return activation != linear && activation_kernel(activation).elementwise;
}

// What a product is fused with: null where there is nothing to do, or it needs whole rows.
template <class T>
Activate<T> fused_activate(int activation) {
  return is_fused(activation) ? activation_kernel<T>(activation).activate : nullptr;
}
template <class T>
Differentiate<T> fused_differentiate(int activation) {
  return is_fused(activation) ? activation_kernel<T>(activation).differentiate : nullptr;
}

}  // namespace fastopt
