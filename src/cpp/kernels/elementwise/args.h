// The kernels of arithmetic on flat arrays.
#pragma once

#include "core/types.h"

namespace fastopt {

template <class T>
struct ElementwiseKernels {
  void (*exp)(const T* x, T* y, Index size);
  void (*log)(const T* x, T* y, Index size);
  // out <- a b and a + b, which may be one of them.
  void (*multiply)(const T* a, const T* b, T* out, Index size);
  void (*add)(const T* a, const T* b, T* out, Index size);
};

}  // namespace fastopt
