// Arrays with channels: [n, channels, ...] or, channels last, [n, ..., channels].
#pragma once

#include "bindings/array.h"

namespace fastopt::bindings {

template <class T>
struct Input {
  py::array array;
  Index rows;
  Features features;

  std::vector<Index> shape() const { return shape_of(array); }
  std::vector<Index> channel_shape() const { return {features.channels}; }
  // The rows of an array of this shape.
  Rows<const T> rows_of(const py::array& other) const { return {data<T>(other), features.size()}; }
  Rows<T> written_rows_of(py::array& other) const { return {mutable_data<T>(other), features.size()}; }
};

// Checked, with at least one dimension beside that of the samples, and an element of each sample.
template <class T>
Input<T> input(const py::object& object, const std::string& name, bool channels_last) {
  Input<T> x{checked<T>(object, name), 0, {0, 1, channels_last}};
  const std::vector<Index> shape = x.shape();
  if (shape.size() < 2) {
    throw std::invalid_argument(name + " must have samples and channels, shape " +
                                (channels_last ? "(n, ..., channels)" : "(n, channels, ...)") + ", got " +
                                shape_text(shape));
  }
  x.rows = shape[0];
  x.features.channels = channels_last ? shape.back() : shape[1];
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (i != (channels_last ? shape.size() - 1 : 1)) {
      x.features.space *= shape[i];
    }
  }
  if (x.features.size() == 0) {
    throw std::invalid_argument(name + " must have elements of each sample, got shape " + shape_text(shape));
  }
  return x;
}

inline void check_epsilon(double epsilon) {
  if (!(epsilon >= 0)) {
    throw std::invalid_argument("epsilon must not be negative, got " + std::to_string(epsilon));
  }
}

}  // namespace fastopt::bindings
