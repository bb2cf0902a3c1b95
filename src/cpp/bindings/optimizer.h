// What optimizers of networks and of bare arrays have in common.
#pragma once

#include <pybind11/stl.h>

#include "bindings/array.h"
#include "bindings/hyper.h"
#include "optim/state.h"

namespace fastopt::bindings {

template <class T>
py::array view(T* data, const std::vector<Index>& shape, const py::object& owner) {
  return py::array_t<T>(std::vector<py::ssize_t>(shape.begin(), shape.end()), data, owner);
}

// How a tensor departs from the rest: a factor of its learning rate, and one of its decay.
using Settings = std::vector<std::pair<double, double>>;

// The last two sides of each tensor that the rule is to take as a matrix or as many, and the longest one whose square
// it keeps; zeros of others; none for all alike.
using Matrices = std::vector<std::tuple<Index, Index, Index>>;

template <class T>
State<T> make_optimizer(const std::string& rule, const std::vector<std::string>& transform_names,
                        const Settings& settings, const Matrices& matrices, std::vector<Tensor<T>> tensors) {
  if (settings.size() != tensors.size() && !settings.empty()) {
    throw std::invalid_argument("settings has " + std::to_string(settings.size()) + " entries for " +
                                std::to_string(tensors.size()) + " arrays");
  }
  if (matrices.size() != tensors.size() && !matrices.empty()) {
    throw std::invalid_argument("matrices has " + std::to_string(matrices.size()) + " entries for " +
                                std::to_string(tensors.size()) + " arrays");
  }
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const auto [rows, columns, longest] = matrices[i];
    const Index size = tensors[i].size;
    if ((rows != 0 || columns != 0) &&
        (rows < 1 || columns < 1 || size == 0 || size % checked_product(rows, columns) != 0)) {
      throw std::invalid_argument("an array of " + std::to_string(size) + " elements is no matrices of " +
                                  std::to_string(rows) + " rows and " + std::to_string(columns) + " columns");
    }
    std::tie(tensors[i].rows, tensors[i].columns, tensors[i].longest) = matrices[i];
  }
  for (std::size_t i = 0; i < settings.size(); ++i) {
    std::tie(tensors[i].rate, tensors[i].decay) = settings[i];
    tensors[i].frozen = tensors[i].rate == 0;
  }
  std::vector<int> transforms;
  transforms.reserve(transform_names.size());
  for (const std::string& name : transform_names) {
    transforms.push_back(find_transform(name));
  }
  return State<T>(find_rule(rule), transforms, std::move(tensors));
}

template <class T>
std::string_view rule_name(State<T>& optimizer) {
  return rule_entry(optimizer.step().rule()).name;
}

// The numbers of one step.
template <class T>
std::vector<double> step_hyper(State<T>& optimizer, const py::dict& given) {
  return ordered_hyper(rule_name(optimizer), optimizer.step().hyper(), given, &number);
}

template <class T>
py::dict slot_views(State<T>& optimizer, std::size_t tensor, const std::vector<Index>& shape, const py::object& owner) {
  py::dict slots;
  const std::vector<T*> data = optimizer.slots(tensor);
  const RuleEntry& rule = rule_entry(optimizer.step().rule());
  const Tensor<T>& t = optimizer.step().tensors()[tensor];
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (const auto own = slot_shape(rule, i, t.matrix(), shape, t.longest)) {
      slots[py::str(std::string(optimizer.slot_names()[i]))] = view(data[i], *own, owner);
    }
  }
  return slots;
}

// Steps are counted as far as double precision does it exactly, which is farther than anybody gets.
constexpr std::int64_t max_steps = std::int64_t{1} << 53;

inline void check_count(const char* name, std::int64_t count) {
  if (count < 0 || count >= max_steps) {
    throw std::invalid_argument(std::string(name) + " must be at least 0 and less than 2^53, got " +
                                std::to_string(count));
  }
}

// Refuses so many more steps where there are too many.
template <class T>
void check_steps(State<T>& optimizer, Index more) {
  if (optimizer.step().taken >= max_steps - more) {
    throw std::invalid_argument("the optimizer has done " + std::to_string(optimizer.step().taken) +
                                " steps; it counts to less than 2^53");
  }
}

// Rule, step, gradients held since and state of a class with `visit`, which calls a function with the State<T>.
template <class Class, class... Options>
void add_state(py::class_<Class, Options...>& cls) {
  cls.def_property_readonly("rule",
                            [](Class& self) { return self.visit([](auto& o) { return std::string(rule_name(o)); }); })
      .def_property(
          "step", [](Class& self) { return self.visit([](auto& o) { return o.step().taken.value(); }); },
          [](Class& self, std::int64_t step) {
            check_count("step", step);
            self.visit([&](auto& o) { o.step().taken = step; });
          })
      .def_property(
          "held", [](Class& self) { return self.visit([](auto& o) { return o.step().held.value(); }); },
          [](Class& self, std::int64_t held) {
            check_count("held", held);
            self.visit([&](auto& o) { o.step().held = held; });
          })
      .def_property(
          "held_rows",
          [](Class& self) {
            return self.visit(
                [](auto& o) { return std::pair(o.step().held_rows.value(), o.step().first_rows.value()); });
          },
          [](Class& self, std::pair<std::int64_t, std::int64_t> rows) {
            if (rows.first < 0 || rows.second < 0 || (rows.first > 0 && rows.second == 0)) {
              throw std::invalid_argument("held_rows and first_rows must not be negative; held_rows needs first_rows");
            }
            self.visit([&](auto& o) { std::tie(o.step().held_rows, o.step().first_rows) = rows; });
          })
      .def_property(
          "state",
          [](Class& self) {
            return self.visit([](auto& o) {
              std::map<std::string, double> state;
              const auto names = rule_entry(o.step().rule()).state;
              for (std::size_t i = 0; i < names.size(); ++i) {
                state[std::string(names[i])] = o.step().numbers[i];
              }
              return state;
            });
          },
          [](Class& self, const py::dict& state) {
            self.visit([&](auto& o) {
              const auto names = rule_entry(o.step().rule()).state;
              // Into its place, which another thread may work on.
              std::ranges::copy(ordered_hyper(rule_name(o), names, state, &number), o.step().numbers.begin());
            });
          });
}

}  // namespace fastopt::bindings
