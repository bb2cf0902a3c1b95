// The columns of a table as columns of outputs.
#pragma once

#include <vector>

#include "core/types.h"

namespace fastopt {

// A function that is linear between knots, which increase, and constant beyond them. The range is cut into cells of
// equal width, so that a number is compared only with the knots of its cell.
class Interpolation {
 public:
  Interpolation() = default;
  // The slope from each knot to the next, and 0 from the last.
  Interpolation(const double* knots, const double* heights, const double* slopes, Index count);

  explicit operator bool() const { return !knots_.empty(); }
  // Of finite numbers; the places are for it to work in.
  template <class T>
  void apply(const double* x, Index size, Index* places, T* y) const;

 private:
  Index cell(double x) const { return static_cast<Index>((x - origin_) * scale_); }

  std::vector<double> knots_;  // with infinite ones behind them
  const double *heights_ = nullptr, *slopes_ = nullptr;
  double low_ = 0, high_ = 0, origin_ = 0, scale_ = 0;
  std::vector<Index> first_;  // of each cell, the last knot before it
  Index step_ = 0;            // the largest of a search
};

// A column of a table and its outputs: y = (x - offset) factor, and then y / sqrt(1 + (y / limit)^2) if there is a
// limit; or a function of x - offset. Categories, numbered from 1, have an output each, which is set to 1.
template <class T>
struct TableColumn {
  Type type;
  const void* x;
  Index step;  // from a row to the next, in bytes
  double offset, factor, limit;
  double fill;  // in place of x - offset where x is missing, which NaN says
  Interpolation function;
  Index categories;  // 0 where x is a number
  T *y, *missing;    // the first output, and the first of those that are 1 where x is missing and 0 else, or null
};

namespace ops {

// Fills the outputs of columns, whose rows are so far apart. Returns whether all x - offset, or what stands in their
// places, and all outputs are finite. Additions and multiplications are not fused, so that it is the same on every
// machine.
template <class T>
bool encode(const std::vector<TableColumn<T>>& columns, Index rows, Index stride);

}  // namespace ops

}  // namespace fastopt
