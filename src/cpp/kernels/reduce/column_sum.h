// Sums of columns, and of products of columns, each in the order of the rows.
#pragma once

#include "core/types.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void column_sum(Rows<const T> x, Index rows, Range columns, T* sum) {
  constexpr int vectors = 8;  // a cache line of a row or more at a time
  Index j = columns.begin;
  for (; j + vectors * lanes<T> <= columns.end; j += vectors * lanes<T>) {
    Vec<T> total[vectors] = {};
    for (Index i = 0; i < rows; ++i) {
      const T* const row = x.row(i) + j;
      unroll<vectors>([&](auto v) __attribute__((always_inline)) { total[v] += load<T>(row + v * lanes<T>); });
    }
    unroll<vectors>([&](auto v) __attribute__((always_inline)) { store<T>(total[v], sum + j + v * lanes<T>); });
  }
  for_each_vector<T>(columns.end - j, [&](Index v, auto load, auto store) __attribute__((always_inline)) {
    Vec<T> total = 0;
    for (Index i = 0; i < rows; ++i) {
      total += load(x.row(i) + j + v);
    }
    store(total, sum + j + v);
  });
}

template <class T>
void column_dot(Rows<const T> x, Rows<const T> y, Index rows, Range columns, T* sum) {
  for_each_vector<T>(columns.size(), [&](Index v, auto load, auto store) __attribute__((always_inline)) {
    const Index j = columns.begin + v;
    Vec<T> total = 0;
    for (Index i = 0; i < rows; ++i) {
      total += load(x.row(i) + j) * load(y.row(i) + j);
    }
    store(total, sum + j);
  });
}

}  // namespace fastopt::FASTOPT_ISA
