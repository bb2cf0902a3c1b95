// The kernels that add up.
#pragma once

#include "core/types.h"

namespace fastopt {

template <class T>
struct ReduceKernels {
  void (*column_sum)(Rows<const T> x, Index rows, Range columns, T* sum);
  void (*column_dot)(Rows<const T> x, Rows<const T> y, Index rows, Range columns, T* sum);  // of x y
  double (*sum)(const T* x, Index size);
  double (*sum_of_squares)(const T* x, Index size);
  Index (*first_nonfinite)(const T* x, Index size);
};

}  // namespace fastopt
