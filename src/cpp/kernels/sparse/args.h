// The arguments of the kernels whose left factor is sparse.
#pragma once

#include "core/types.h"

namespace fastopt {

// y = x b + bias, with b [depth, columns].
template <class T>
struct SparseProduct {
  Index rows, columns;
  SparseRows<T> x;
  const T* b;
  const T* bias = nullptr;
  Rows<T> y;
};

// Rows `part` of x' dy, which is [depth, columns]; `to` is the first of them. `next` has of each row of x its first
// entry in the part, and then that behind it; without it they are looked for.
template <class T>
struct SparseTransposed {
  Index rows, columns;
  SparseRows<T> x;
  Rows<const T> dy;
  Range part;
  T* to;
  Index* next = nullptr;
};

// x with all its zeros, less `center`.
template <class T>
struct SparseFill {
  Index rows, columns;
  SparseRows<T> x;
  Rows<T> to;
  const T* center = nullptr;  // subtracted from each row, before it is rounded to T
};

template <class T>
struct SparseKernels {
  void (*multiply)(const SparseProduct<T>&);
  void (*multiply_transposed)(const SparseTransposed<T>&);
  void (*fill)(const SparseFill<T>&);
};

}  // namespace fastopt
