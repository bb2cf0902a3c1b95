// Hyperparameters as they come from Python.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/array.h"

namespace fastopt::bindings {

// What a key of a dict says; a cast to a view would keep the key in a table of its own until the call ends.
inline std::string_view text(const py::handle& key) {
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(key.ptr(), &size);
  if (!text) {
    throw py::error_already_set();
  }
  return {text, static_cast<std::size_t>(size)};
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
    const auto found = std::ranges::find(names, text(key));
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

}  // namespace fastopt::bindings
