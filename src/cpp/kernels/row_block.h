// Losses and metrics work on as many rows at once as a vector has lanes, one row a lane: a few classes fill the vectors
// as well as many do, and nothing is reduced across lanes.
#pragma once

#include "kernels/table.h"
#include "simd/transpose.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr Index chunk_columns = 32;

template <class T>
struct RowBlock {
  Index first, rows;                                   // rows <= lanes
  alignas(64) T prediction[chunk_columns * lanes<T>];  // [column][lane]
  alignas(64) T target[chunk_columns * lanes<T>];

  static Vec<T> at(const T* values, Index column) { return load<T>(values + column * lanes<T>); }
  static void set(T* values, Index column, const Vec<T>& v) { store<T>(v, values + column * lanes<T>); }

  void load_prediction(const Rows<const T>& from, Range columns) {
    transpose<T>(from.row(first) + columns.begin, from.stride, rows, columns.size(), prediction, lanes<T>);
  }

  void load_target(const Targets<T>& from, Index width, Range columns) {
    for (Index i = 0; i < rows; ++i) {
      const T* row = from.dense + from.sample(first + i) * width;
      for (Index j = columns.begin; j < columns.end; ++j) {
        target[(j - columns.begin) * lanes<T> + i] = row[j];
      }
    }
    for (Index i = rows; i < lanes<T>; ++i) {
      for (Index j = 0; j < columns.size(); ++j) {
        target[j * lanes<T> + i] = 0;
      }
    }
  }

  void store_prediction(const Rows<T>& to, Range columns) const {
    for (Index i = 0; i < rows; ++i) {
      T* row = to.row(first + i) + columns.begin;
      for (Index j = 0; j < columns.size(); ++j) {
        row[j] = prediction[j * lanes<T> + i];
      }
    }
  }

  Vec<T> labels(const Targets<T>& from) const {
    T label[lanes<T>] = {};
    for (Index i = 0; i < rows; ++i) {
      label[i] = static_cast<T>(from.labels[from.sample(first + i)]);
    }
    return load<T>(label);
  }

  Vec<T> weights(const T* weight, const Targets<T>& from, T scale) const {
    T values[lanes<T>];
    for (Index i = 0; i < lanes<T>; ++i) {
      values[i] = weight && i < rows ? weight[from.sample(first + i)] * scale : scale;
    }
    return load<T>(values);
  }

  void store_rows(const Vec<T>& v, T* to) const { store<T>(v, to + first, first_lanes<T>(rows)); }
};

template <class T, class F>
void for_each_row_block(Index rows, F&& f) {
  RowBlock<T> block;
  for (Index first = 0; first < rows; first += lanes<T>) {
    block.first = first;
    block.rows = rows - first < lanes<T> ? rows - first : lanes<T>;
    f(block);
  }
}

template <class F>
void for_each_chunk(Index columns, F&& f) {
  for (Index j = 0; j < columns; j += chunk_columns) {
    f(Range{j, columns - j < chunk_columns ? columns : j + chunk_columns});
  }
}

}  // namespace fastopt::FASTOPT_ISA
