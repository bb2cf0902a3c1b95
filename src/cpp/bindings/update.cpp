// Update rules on bare arrays.
#include <variant>

#include "bindings/exclusive.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/optimizer.h"

namespace fastopt::bindings {

namespace {

Memory memory_of(const py::array& array, bool written, std::size_t id) {
  const auto begin = reinterpret_cast<std::uintptr_t>(array.data());
  return {begin, begin + static_cast<std::uintptr_t>(array.nbytes()), written, id};
}

// One step with everything given, kept nowhere.
void update(const std::string& name, const std::vector<py::object>& params, const std::vector<py::object>& grads,
            const std::vector<std::map<std::string, py::object>>& slots, const py::dict& hyper, Index step,
            const py::object& state, double decay) {
  const RuleEntry& rule = rule_entry(find_rule(name));
  if (params.size() != grads.size() || params.size() != slots.size()) {
    throw std::invalid_argument("params, grads and slots must have equal lengths, got " +
                                std::to_string(params.size()) + ", " + std::to_string(grads.size()) + " and " +
                                std::to_string(slots.size()));
  }
  if (step < 1 || step >= max_steps) {
    throw std::invalid_argument("step counts from 1 to less than 2^53, got " + std::to_string(step));
  }
  auto values = ordered_hyper(name, rule.hyper, hyper, &number);
  values.push_back(decay);
  if (params.empty()) {
    return;
  }
  by_dtype(params.front(), "params[0]", [&]<class T>(T) {
    std::vector<Tensor<T>> tensors;
    std::vector<Memory> used;
    std::vector<std::string> names;
    const auto use = [&](const py::array& array, bool written, std::string as) {
      used.push_back(memory_of(array, written, names.size()));
      names.push_back(std::move(as));
    };
    for (std::size_t i = 0; i < params.size(); ++i) {
      const std::string at = "[" + std::to_string(i) + "]";
      py::array w = checked<T>(params[i], "params" + at, Access::write);
      const py::array g = checked<T>(grads[i], "grads" + at, shape_of(w));
      Tensor<T> tensor{.size = w.size(), .parameter = mutable_data<T>(w), .gradient = data<T>(g)};
      use(w, true, "params" + at);
      use(g, false, "grads" + at);
      for (std::size_t s = 0; s < rule.slots.size(); ++s) {
        const auto shape = slot_shape(rule, s, false, shape_of(w));
        if (!shape) {
          continue;
        }
        const std::string slot(rule.slots[s]);
        const auto found = slots[i].find(slot);
        if (found == slots[i].end()) {
          throw std::invalid_argument("slots" + at + " lacks '" + slot + "'");
        }
        py::array array = checked<T>(found->second, "slots" + at + "['" + slot + "']", *shape, Access::write);
        tensor.slots[s] = mutable_data<T>(array);
        use(array, true, "slots" + at + "['" + slot + "']");
      }
      tensors.push_back(tensor);
    }
    check_all_separate(used, [&](std::size_t id) { return names[id]; });
    Step<T> one(find_rule(name), {find_transform(Decay::name)}, std::move(tensors));
    one.taken = step - 1;
    py::array kept;  // None: as at the first step, and nothing is kept
    if (!state.is_none()) {
      kept = checked<double>(state, "state", {static_cast<Index>(one.numbers.size())}, Access::write);
      std::copy_n(data<double>(kept), one.numbers.size(), one.numbers.begin());
    }
    {
      const Released released;
      one.run(values, false);
    }
    if (!state.is_none()) {
      std::ranges::copy(one.numbers, mutable_data<double>(kept));
    }
  });
}

// The slots and the step of arrays that stay with their owner, who passes them again in every call.
class ArrayOptimizer {
 public:
  ArrayOptimizer(const std::string& rule, const std::vector<py::object>& params, std::vector<std::string> names,
                 const std::vector<std::string>& transform_names, const Settings& settings, const Matrices& matrices)
      : names_(std::move(names)), optimizer_(make(rule, params, transform_names, settings, matrices)) {}

  template <class F>
  auto visit(F&& f) {
    return std::visit([&]<class T>(State<T>& optimizer) { return f(optimizer); }, optimizer_);
  }

  py::list slots(const py::object& owner) {
    return visit([&](auto& optimizer) {
      py::list all;
      for (std::size_t i = 0; i < shapes_.size(); ++i) {
        all.append(slot_views(optimizer, i, shapes_[i], owner));
      }
      return all;
    });
  }

  // The average of the rule in the place of the parameters, or these again.
  void put_average(const py::list& params, bool there) {
    visit([&]<class T>(State<T>& optimizer) {
      std::vector<Tensor<T>>& tensors = optimizer.step().tensors();
      if (params.size() != tensors.size()) {
        throw std::invalid_argument("params must be the arrays that are updated");
      }
      const Exclusive::Lock lock(
          exclusive_, [] { throw std::runtime_error("this optimizer is busy with an update in another thread"); });
      places_.resize(2 * tensors.size());
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        places_[2 * i] = place<T>(params, i, "params", Access::write);
      }
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        tensors[i].parameter = static_cast<T*>(const_cast<void*>(places_[2 * i]));
        tensors[i].gradient = tensors[i].parameter;  // so that the next update looks at the arrays again
      }
      const Released released;
      optimizer.step().put_average(there);
    });
  }

  void update(const py::list& params, const py::list& grads, const py::dict& hyper) {
    visit([&]<class T>(State<T>& optimizer) {
      check_steps(optimizer, 1);
      const std::vector<double> values = step_hyper(optimizer, hyper);
      std::vector<Tensor<T>>& tensors = optimizer.step().tensors();
      if (params.size() != tensors.size() || grads.size() != tensors.size()) {
        throw std::invalid_argument("params holds " + std::to_string(params.size()) + " arrays and grads " +
                                    std::to_string(grads.size()) + "; at the first update there were " +
                                    std::to_string(tensors.size()));
      }
      const Exclusive::Lock lock(
          exclusive_, [] { throw std::runtime_error("this optimizer is busy with an update in another thread"); });
      bool moved = false;
      places_.resize(2 * tensors.size());
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        places_[2 * i] = place<T>(params, i, "params", Access::write);
        places_[2 * i + 1] = place<T>(grads, i, "grads", Access::read);
        moved |= places_[2 * i] != tensors[i].parameter || places_[2 * i + 1] != tensors[i].gradient;
      }
      if (moved) {
        check_separate(optimizer);
        for (std::size_t i = 0; i < tensors.size(); ++i) {
          tensors[i].parameter = static_cast<T*>(const_cast<void*>(places_[2 * i]));
          tensors[i].gradient = static_cast<const T*>(places_[2 * i + 1]);
        }
      }
      const Released released;
      optimizer.step().run(values, false);
    });
  }

 private:
  std::variant<State<float>, State<double>> make(const std::string& rule, const std::vector<py::object>& params,
                                                 const std::vector<std::string>& transform_names,
                                                 const Settings& settings, const Matrices& matrices) {
    if (params.empty()) {
      throw std::invalid_argument("params holds no array");
    }
    if (names_.size() != params.size()) {
      throw std::invalid_argument("names must have one entry for each array");
    }
    return by_dtype(params.front(), "params" + names_.front(),
                    [&]<class T>(T) -> std::variant<State<float>, State<double>> {
                      std::vector<Tensor<T>> tensors;
                      for (std::size_t i = 0; i < params.size(); ++i) {
                        const py::array array = checked<T>(params[i], "params" + names_[i], Access::write);
                        shapes_.push_back(shape_of(array));
                        tensors.push_back({.size = array.size()});
                      }
                      return make_optimizer<T>(rule, transform_names, settings, matrices, std::move(tensors));
                    });
  }

  template <class T>
  const void* place(const py::list& arrays, std::size_t i, const char* kind, Access access) {
    PyObject* const object = PyList_GET_ITEM(arrays.ptr(), static_cast<Py_ssize_t>(i));
    const auto* array = py::detail::array_proxy(object);
    if (fits<T>(object, access) &&
        std::equal(shapes_[i].begin(), shapes_[i].end(), array->dimensions, array->dimensions + array->nd)) {
      return array->data;
    }
    return checked<T>(object, kind + names_[i], shapes_[i], access).data();
  }

  template <class T>
  void check_separate(State<T>& optimizer) {
    std::vector<Memory> used;
    const auto use = [&](const void* data, Index size, bool written) {
      const auto begin = reinterpret_cast<std::uintptr_t>(data);
      used.push_back({begin, begin + static_cast<std::uintptr_t>(size) * sizeof(T), written, used.size()});
    };
    const std::vector<Tensor<T>>& tensors = optimizer.step().tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      use(places_[2 * i], tensors[i].size, true);
      use(places_[2 * i + 1], tensors[i].size, false);
    }
    const std::size_t arrays = used.size();
    for (const Buffer<T>& slot : optimizer.buffers()) {
      use(slot.data(), slot.size(), true);
    }
    check_all_separate(std::move(used), [&](std::size_t id) {
      return id < arrays ? (id % 2 == 0 ? "params" : "grads") + names_[id / 2]
                         : "slot " + std::string(optimizer.slot_names()[id - arrays]);
    });
  }

  std::vector<std::string> names_;
  std::vector<std::vector<Index>> shapes_;
  std::variant<State<float>, State<double>> optimizer_;
  std::vector<const void*> places_;  // of parameters and gradients in turn
  Exclusive exclusive_{"optimizer"};
};

py::dict update_rules() {
  const auto list = [](std::span<const std::string_view> names) {
    py::list l;
    for (const std::string_view name : names) {
      l.append(std::string(name));
    }
    return l;
  };
  py::dict all;
  for (const RuleEntry& rule : rules()) {
    py::dict entry;
    entry["slots"] = list(rule.slots);
    entry["hyper"] = list(rule.hyper);
    entry["state"] = list(rule.state);
    py::list starts;
    for (const int place : rule.starts) {
      starts.append(std::string(rule.slots[static_cast<std::size_t>(place)]));
    }
    entry["starts"] = starts;
    all[py::str(std::string(rule.name))] = entry;
  }
  return all;
}

// The shapes of the slots that a rule keeps for an array of this shape, taken as a matrix or not, of squares those of
// sides up to the longest.
std::map<std::string, std::vector<Index>> slot_shapes(const std::string& name, const std::vector<Index>& shape,
                                                      bool matrix, Index longest) {
  const RuleEntry& rule = rule_entry(find_rule(name));
  if (matrix && shape.size() < 2) {
    throw std::invalid_argument("a matrix has two dimensions at least, not " + std::to_string(shape.size()));
  }
  std::map<std::string, std::vector<Index>> shapes;
  for (std::size_t s = 0; s < rule.slots.size(); ++s) {
    if (auto own = slot_shape(rule, s, matrix, shape, longest)) {
      shapes[std::string(rule.slots[s])] = *std::move(own);
    }
  }
  return shapes;
}

py::list maskable_rules() {
  py::list names;
  for (const RuleEntry& rule : rules()) {
    if (rule.maskable) {
      names.append(std::string(rule.name));
    }
  }
  return names;
}

py::dict extra_slots() {
  py::dict all;
  for (const TransformEntry& transform : transforms) {
    if (!transform.slot.empty()) {
      all[py::str(std::string(transform.name))] = std::string(transform.slot);
    }
  }
  return all;
}

}  // namespace

void add_update(py::module_& module) {
  const py::object none = py::none();
  py::module_ kernels = module.attr("kernels");
  kernels.def("update_rules", &update_rules);
  kernels.def("slot_shapes", &slot_shapes, py::arg("rule"), py::arg("shape"), py::arg("matrix"),
              py::arg("longest") = 0);
  kernels.def("maskable_rules", &maskable_rules);
  kernels.def("extra_slots", &extra_slots);
  kernels.def("update", &update, py::arg("rule"), py::arg("params"), py::arg("grads"), py::arg("slots"),
              py::arg("hyper"), py::arg("step"), py::arg("state") = none, py::arg("decay") = 0.0);

  py::class_<ArrayOptimizer> arrays(module, "ArrayOptimizer");
  arrays
      .def(py::init<const std::string&, const std::vector<py::object>&, std::vector<std::string>,
                    const std::vector<std::string>&, const Settings&, const Matrices&>(),
           py::arg("rule"), py::arg("params"), py::arg("names"), py::arg("extras") = std::vector<std::string>(),
           py::arg("settings") = Settings(), py::arg("matrices") = Matrices())
      .def_property_readonly("slots", [](const py::object& self) { return self.cast<ArrayOptimizer&>().slots(self); })
      .def("put_average", &ArrayOptimizer::put_average, py::arg("params"), py::arg("there"))
      .def("update", &ArrayOptimizer::update, py::arg("params"), py::arg("grads"), py::arg("hyper"));
  add_state(arrays);
}

}  // namespace fastopt::bindings
