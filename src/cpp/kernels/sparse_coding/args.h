// The kernels of sparse coding: samples as sums of few atoms, x = c D, that cost |x - c D|^2 + penalty |c|_1.
#pragma once

#include "core/types.h"

namespace fastopt {

// The code of a sample. What has an element for each atom is padded with zeros to `width`, whole vectors.
template <class T>
struct Lasso {
  Index width;
  const T *gram, *inverse;  // D D' [width, width]; 1 / G_jj, 0 for an atom that is 0
  const T* correlations;    // D x
  double square;            // |x|^2
  T* code;                  // where it starts, and ends
  T* residual;              // memory for `width` elements, as `active` is
  Index* active;
  double penalty, tolerance;  // the cost ends within tolerance |x|^2 of the least, as the duality gap says
  Index sweeps;               // at most
};

template <class T>
struct SparseCodingKernels {
  // False where the sweeps did not suffice.
  bool (*lasso)(const Lasso<T>&);
  // y - sum_j c_j rows_j, of those whose c_j is not 0, in their order.
  void (*subtract)(const T* c, Index count, Rows<const T> rows, Index size, T* y);
};

}  // namespace fastopt
