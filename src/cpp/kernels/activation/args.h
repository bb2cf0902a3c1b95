// What an activation is: its name and its functions.
#pragma once

#include <span>
#include <string_view>

#include "core/types.h"

namespace fastopt {

// y = f(z) by rows; y may be z.
template <class T>
using Activate = void (*)(Rows<const T> z, Rows<T> y, Index rows, Index columns);

// dz = dy f'(z), computed from y = f(z), or from z where the activation says so; dz may be dy.
template <class T>
using Differentiate = void (*)(Rows<const T> y, Rows<const T> dy, Rows<T> dz, Index rows, Index columns);

// dz = dy f'(z) and its derivative along a direction in which z, dy and what f' is computed at change: the Hessian's
// products need both.
template <class T>
struct SecondDerivative {
  Index rows, columns;
  Rows<const T> at, at_along;
  Rows<const T> dy, dy_along;
  Rows<T> dz, dz_along;  // may be those of dy
};

template <class T>
struct ActivationKernel {
  std::string_view name;
  bool from_input;   // its derivative is computed from z
  bool elementwise;  // else from whole rows
  Activate<T> activate;
  Differentiate<T> differentiate;
  void (*differentiate_twice)(const SecondDerivative<T>&);
};

template <class T>
struct ActivationKernels {
  std::span<const ActivationKernel<T>> all;  // the first is the linear one
};

}  // namespace fastopt
