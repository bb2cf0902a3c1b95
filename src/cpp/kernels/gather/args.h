// The arguments of the kernels that gather samples.
#pragma once

#include "core/types.h"

namespace fastopt {

// Samples of any type and strides (in bytes), turned into rows of T.
template <class T>
struct Gather {
  Type type;
  const void* data;
  Index row_stride, column_stride;
  const Index* index = nullptr;
  Index rows, columns;
  Rows<T> to;
  const T* center = nullptr;  // subtracted from each row, before it is rounded to T
};

template <class T>
struct GatherKernels {
  void (*rows)(const Gather<T>&);
};

}  // namespace fastopt
