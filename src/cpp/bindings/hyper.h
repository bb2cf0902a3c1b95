// Targets and hyperparameters as they come from Python.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bindings/array.h"
#include "kernels/loss/args.h"
#include "nn/registry.h"

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

// The numbers that a step needs, in the order of `names`; all must be there, none else.
template <class Value>
std::vector<Value> ordered_hyper(std::string_view rule, const std::vector<std::string_view>& names,
                                 const std::map<std::string, Value>& given) {
  std::vector<Value> values;
  for (const std::string_view name : names) {
    const auto found = given.find(std::string(name));
    if (found == given.end()) {
      throw std::invalid_argument("rule '" + std::string(rule) + "' needs the hyperparameter '" + std::string(name) +
                                  "'");
    }
    values.push_back(found->second);
  }
  for (const auto& [name, value] : given) {
    if (std::ranges::find(names, name) == names.end()) {
      throw std::invalid_argument("rule '" + std::string(rule) + "' has no hyperparameter '" + name + "'");
    }
  }
  return values;
}

// The hyperparameters of a loss in its order; those that are not given have their usual values.
inline LossHyper loss_hyper(int loss, const std::map<std::string, double>& given) {
  const LossEntry& entry = losses()[static_cast<std::size_t>(loss)];
  LossHyper values{};
  std::ranges::transform(entry.hyper, values.begin(), &LossParameter::usual);
  for (const auto& [name, value] : given) {
    const auto found = std::ranges::find(entry.hyper, name, &LossParameter::name);
    if (found == entry.hyper.end()) {
      throw std::invalid_argument("loss '" + std::string(entry.name) + "' has no hyperparameter '" + name + "'");
    }
    values[static_cast<std::size_t>(found - entry.hyper.begin())] = value;
  }
  return values;
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
