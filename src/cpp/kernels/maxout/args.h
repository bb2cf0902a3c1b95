// The kernels of maxout.
#pragma once

#include "core/types.h"

namespace fastopt {

template <class T>
struct MaxoutKernels {
  // y_j = max over k of x_{j pieces + k}, and the k that it is; then dx, which is dy there and 0 elsewhere.
  void (*largest)(const T* x, Index units, Index pieces, T* y, Index* piece);
  void (*spread)(const T* dy, const Index* piece, Index units, Index pieces, T* dx);
};

}  // namespace fastopt
