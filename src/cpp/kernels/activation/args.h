// The functions that an activation is.
#pragma once

#include "core/types.h"

namespace fastopt {

// y = f(z) by rows; y may be z.
template <class T>
using Activate = void (*)(Rows<const T> z, Rows<T> y, Index rows, Index columns);

// dz = dy f'(z), computed from y = f(z), or from z where the activation says so; dz may be dy.
template <class T>
using Differentiate = void (*)(Rows<const T> y, Rows<const T> dy, Rows<T> dz, Index rows, Index columns);

// By activation.
template <class T>
struct ActivationKernels {
  const Activate<T>* activate;
  const Differentiate<T>* differentiate;
};

}  // namespace fastopt
