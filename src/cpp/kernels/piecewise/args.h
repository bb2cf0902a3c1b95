// The arguments of piecewise linear encodings.
#pragma once

#include "core/types.h"

namespace fastopt {

// y_{f, t} = (x_f - start_{f, t}) scale_{f, t}, kept from 0 to 1 but for the ends of a feature's line: nothing is taken
// off below the first piece or above the last. Pieces of a feature with fewer of them stand first and last, and those
// between have the scale 0; a feature of one piece has it last.
template <class T>
struct Piecewise {
  Index rows, features, pieces;
  const T *start, *scale;
  Rows<const T> x;
  Rows<T> y;
};

// dx_f = sum over its pieces of dy scale, where y is not kept at an end of its range.
template <class T>
struct PiecewiseBackward {
  Index rows, features, pieces;
  const T *start, *scale;
  Rows<const T> x, dy;
  Rows<T> dx;
};

template <class T>
struct PiecewiseKernels {
  void (*forward)(const Piecewise<T>&);
  void (*backward)(const PiecewiseBackward<T>&);
};

}  // namespace fastopt
