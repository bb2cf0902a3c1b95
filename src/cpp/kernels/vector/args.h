// Sums over long vectors of double precision, for methods that look at all data at once.
#pragma once

#include "core/types.h"

namespace fastopt {

struct VectorKernels {
  double (*dot)(const double* x, const double* y, Index size);
  // y + sum_j c_j rows_j, in the order of the rows.
  void (*combine)(const double* const* rows, const double* c, Index count, Range part, double* y);
};

}  // namespace fastopt
