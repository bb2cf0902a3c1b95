// The activations by name and by their place in the table of kernels, and on whole arrays.
#pragma once

#include <span>
#include <string_view>

#include "core/buffer.h"
#include "kernels/activation/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

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

namespace ops {

// work(place, rows, columns) for parts of a contiguous array: of whole rows or, where all elements are alike, of one.
template <class F>
void for_parts(bool elementwise, Index rows, Index columns, F&& work) {
  const double cost = elementwise_cost * static_cast<double>(rows) * static_cast<double>(columns);
  if (elementwise) {
    parallel_for(rows * columns, alignment, cost, [&](Range share) { work(share.begin, Index{1}, share.size()); });
  } else {
    parallel_for(rows, 1, cost, [&](Range share) { work(share.begin * columns, share.size(), columns); });
  }
}

// y = f(z) for arrays [rows, columns]; y may be z.
template <class T>
void activate(int activation, const T* z, T* y, Index rows, Index columns) {
  const ActivationKernel<T>& f = activation_kernel<T>(activation);
  for_parts(f.elementwise, rows, columns, [&](Index place, Index part_rows, Index width) {
    f.activate({z + place, width}, {y + place, width}, part_rows, width);
  });
}

// dz = dy f'(z), computed at y or, where the activation says so, at z; dz may be dy.
template <class T>
void differentiate(int activation, const T* at, const T* dy, T* dz, Index rows, Index columns) {
  const ActivationKernel<T>& f = activation_kernel<T>(activation);
  for_parts(f.elementwise, rows, columns, [&](Index place, Index part_rows, Index width) {
    f.differentiate({at + place, width}, {dy + place, width}, {dz + place, width}, part_rows, width);
  });
}

}  // namespace ops

}  // namespace fastopt
