// Targets and hyperparameters as they come from Python.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

[[noreturn]] void refuse_hyper(std::string_view rule, std::span<const std::string_view> names, const py::dict& given);

// What a step needs, in the order of `names`: value(object) of each; all must be there, none else.
template <class F>
auto ordered_hyper(std::string_view rule, std::span<const std::string_view> names, const py::dict& given, F&& value) {
  std::vector<decltype(value(py::handle()))> values(names.size());
  if (given.size() != names.size()) {
    refuse_hyper(rule, names, given);
  }
  for (const auto& [key, object] : given) {
    const auto found = std::ranges::find(names, py::cast<std::string_view>(key));
    if (found == names.end()) {
      refuse_hyper(rule, names, given);
    }
    values[static_cast<std::size_t>(found - names.begin())] = value(object);
  }
  return values;
}

inline double number(const py::handle& object) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1 && PyErr_Occurred()) {
    throw py::error_already_set();
  }
  return value;
}

// Memory of an array that a call reads or writes.
struct Memory {
  std::uintptr_t begin, end;
  bool written;
  std::size_t id;
};

// No written array may share memory with another, written or read; `name` tells which is which.
void check_all_separate(std::vector<Memory> arrays, const std::function<std::string(std::size_t)>& name);

}  // namespace fastopt::bindings
