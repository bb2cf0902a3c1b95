// Samples, dense or sparse, and where the rows of a batch of them are.
#pragma once

#include <cstdint>

#include "core/types.h"
#include "kernels/gather/args.h"
#include "kernels/sparse/args.h"
#include "ops/augment.h"
#include "runtime/cpu.h"

namespace fastopt {

// Samples as they were given: any element type, strides in bytes; or, where `starts` are given, the rows of a sparse
// matrix whose values `data` are, of the type of the network.
struct Samples {
  Type type;
  const void* data;
  Index rows, columns, row_stride, column_stride;
  const Index* starts = nullptr;
  const std::int32_t* entry_columns = nullptr;

  bool sparse() const { return starts; }
};

// Which samples make a batch: those at index[0..rows-1] or, without an index, first..first+rows-1.
struct Batch {
  Index rows;
  const Index* index = nullptr;
  Index first = 0;

  // So many of them, from some place on.
  Batch part(Index begin, Index count) const {
    return index ? Batch{count, index + begin} : Batch{count, nullptr, first + begin};
  }
};

template <class T>
bool readable_in_place(const Samples& x) {
  constexpr Index size = sizeof(T);
  constexpr Type type = sizeof(T) == 4 ? Type::f32 : Type::f64;
  return !x.sparse() && x.type == type && (x.column_stride == size || x.columns == 1) && x.row_stride % size == 0 &&
         reinterpret_cast<std::uintptr_t>(x.data) % size == 0;
}

// The rows of a batch, from the first of `rows`, where they can be read in place.
template <class T>
Rows<const T> rows_in_place(const Samples& x, const Batch& batch, Range rows) {
  const Index stride = x.row_stride / static_cast<Index>(sizeof(T));
  return Rows<const T>{static_cast<const T*>(x.data) + batch.first * stride, stride, batch.index}.from(rows.begin);
}

// The rows of a batch of sparse samples, from the first of `rows`.
template <class T>
SparseRows<T> sparse_rows(const Samples& x, const Batch& batch, Range rows) {
  const Index* const starts = x.starts + batch.first;
  return SparseRows<T>{starts, x.entry_columns, static_cast<const T*>(x.data), batch.index}.from(rows.begin);
}

// How the samples of an input are changed, at random, while they are read; or not.
template <class T>
struct Augment {
  const Augmentation<T>* how = nullptr;
  Draws draws = {};
};

// Copies rows of a batch to their places in `to`, which has all rows of the batch, less `center`, if it is given; or
// changes them, in memory that `augment.how` wants.
template <class T>
void copy_rows(const Samples& x, const Batch& batch, Range rows, Rows<T> to, const T* center,
               const Augment<T>& augment = {}, T* memory = nullptr) {
  if (x.sparse()) {
    kernels<T>().sparse.fill({.rows = rows.size(),
                              .columns = x.columns,
                              .x = sparse_rows<T>(x, batch, rows),
                              .to = to.from(rows.begin),
                              .center = center});
    return;
  }
  const Index first = batch.first + rows.begin;
  const Gather<T> gather{.type = x.type,
                         .data = static_cast<const char*>(x.data) + (batch.index ? 0 : first * x.row_stride),
                         .row_stride = x.row_stride,
                         .column_stride = x.column_stride,
                         .index = batch.index ? batch.index + rows.begin : nullptr,
                         .rows = rows.size(),
                         .columns = x.columns,
                         .to = to.from(rows.begin),
                         .center = center};
  if (augment.how) {
    augment.how->rows(gather, augment.draws, first, memory);
  } else {
    kernels<T>().gather.rows(gather);
  }
}

}  // namespace fastopt
