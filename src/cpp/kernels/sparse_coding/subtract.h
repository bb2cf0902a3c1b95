// Sums of few rows.
#pragma once

#include "core/types.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
[[gnu::always_inline]] inline void subtract_row(const T* row, T factor, Index size, T* y) {
  const Vec<T> factors = factor;
  for_each_vector<T>(size, [&](Index i, auto load, auto store)
                               __attribute__((always_inline)) { store(load(y + i) - factors * load(row + i), y + i); });
}

template <class T>
void subtract(const T* c, Index count, Rows<const T> rows, Index size, T* y) {
  for (Index j = 0; j < count; ++j) {
    if (c[j] != 0) {
      subtract_row<T>(rows.row(j), c[j], size, y);
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
