// Sums over long vectors in double precision, for methods that look at all data at once. Rows may be kept in another
// precision.
#pragma once

#include "core/types.h"

namespace fastopt {

template <class T>
struct VectorKernels {
  double (*dot)(const T* row, const double* x, Index size);
  double (*dot_rows)(const T* row, const T* other, Index size);
  // y = x + sum_j c_j rows_j, in the order of the rows; y may be x, and no x is 0.
  void (*combine)(const double* x, const T* const* rows, const double* c, Index count, Range part, double* y);
  // row = x - y.
  void (*subtract)(const double* x, const double* y, Range part, T* row);
  // |x_i|; NaN where there is one.
  double (*largest)(const T* x, Index size);
};

}  // namespace fastopt
