// Targets as they come from Python.
#pragma once

#include "bindings/array.h"
#include "kernels/loss/args.h"

namespace fastopt::bindings {

[[noreturn]] void refuse_label(const char* name, Index sample, Index label, Index columns);

inline void check_label(const char* name, Index sample, Index label, Index columns) {
  if (label < 0 || label >= columns) {
    refuse_label(name, sample, label, columns);
  }
}

// Class numbers in 0..columns-1, or values of the prediction's shape.
template <class T>
py::array checked_target(const py::object& target, const std::string& name, bool labels, Index rows, Index columns) {
  if (!labels) {
    return checked<T>(target, name, {rows, columns});
  }
  py::array array = checked<Index>(target, name, {rows});
  const Index* values = data<Index>(array);
  for (Index i = 0; i < rows; ++i) {
    check_label(name.c_str(), i, values[i], columns);
  }
  return array;
}

template <class T>
Targets<T> targets(const py::array& array, bool labels) {
  return labels ? Targets<T>{.labels = data<Index>(array)} : Targets<T>{.dense = data<T>(array)};
}

}  // namespace fastopt::bindings
