// Arrays with channels: [n, channels, ...] or, channels last, [n, ..., channels].
#pragma once

#include "bindings/array.h"
#include "runtime/team.h"

namespace fastopt::bindings {

inline constexpr Index channel_grain = 16;  // channels that a thread takes at least: no two write to one cache line

template <class T>
struct Input {
  py::array array;
  Index rows;
  Features features;

  Index stride() const { return features.size(); }
  std::vector<Index> channel_shape() const { return {features.channels}; }
  // Of one pass, roughly, in operations.
  double cost() const { return elementwise_cost * static_cast<double>(rows) * static_cast<double>(features.size()); }
};

// Checked, with at least one dimension beside that of the samples, and an element of each sample.
template <class T>
Input<T> input(const py::object& object, const std::string& name, bool channels_last) {
  Input<T> x{checked<T>(object, name), 0, {0, 1, channels_last}};
  const std::vector<Index> shape = shape_of(x.array);
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

}  // namespace fastopt::bindings
