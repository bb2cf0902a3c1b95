// Networks and their optimizers.
#include "bindings/network.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <ranges>

#include "bindings/module.h"
#include "kernels/reduce/args.h"
#include "train/by_hand.h"
#include "train/epoch.h"
#include "train/predict.h"

namespace fastopt::bindings {

namespace {

// make(tensor) for every tensor, trained or not, as a list of dicts: one dict a layer.
template <class T, class F>
py::list by_tensor(const Network<T>& network, F&& make, bool trained = true) {
  py::list all;
  for (auto i = static_cast<std::size_t>(network.plan.inputs); i < network.plan.nodes.size(); ++i) {
    py::dict tensors;
    for (const TensorSpec& tensor : network.plan.nodes[i].layer.tensors) {
      if (tensor.trained == trained) {
        tensors[py::str(tensor.name)] = make(tensor);
      }
    }
    all.append(tensors);
  }
  return all;
}

std::vector<LayerSpec> layer_specs(const std::vector<std::map<std::string, py::object>>& layers) {
  std::vector<LayerSpec> specs;
  for (const auto& layer : layers) {
    LayerSpec spec;
    for (const auto& [key, value] : layer) {
      if (key == "kind") {
        spec.kind = value.cast<std::string>();
      } else if (key == "activation") {
        spec.activation = value.cast<std::string>();
      } else if (key == "inputs") {
        spec.inputs = value.cast<std::vector<Index>>();
      } else if (key == "shares") {
        spec.shares = value.cast<Index>();
      } else if (key == "trainable") {
        spec.trainable = value.cast<bool>();
      } else {
        spec.numbers[key] = value.cast<double>();
      }
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

// What stands for itself where there is one, and in a list where there are several.
using OneOrMore = std::variant<Index, std::vector<Index>>;

std::shared_ptr<PyNetwork> make_network(const std::string& dtype, const OneOrMore& input_size,
                                        const std::vector<std::map<std::string, py::object>>& layers,
                                        std::uint64_t seed, const std::vector<Index>& outputs) {
  const std::vector<LayerSpec> specs = layer_specs(layers);
  const Index* const one = std::get_if<Index>(&input_size);
  const std::vector<Index> inputs = one ? std::vector{*one} : std::get<std::vector<Index>>(input_size);
  if (dtype == "float32") {
    return std::shared_ptr<PyNetwork>(new PyNetwork{Network<float>(inputs, specs, outputs, seed)});
  }
  if (dtype == "float64") {
    return std::shared_ptr<PyNetwork>(new PyNetwork{Network<double>(inputs, specs, outputs, seed)});
  }
  throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

// New arrays [rows, columns] for these nodes, and where their values go.
template <class T>
struct NewArrays {
  std::vector<py::array> arrays;
  std::vector<T*> data;

  NewArrays(const Plan<T>& plan, Index rows, const std::vector<Index>& nodes) {
    for (const Index node : nodes) {
      py::array_t<T> array({rows, plan.columns(node)});
      data.push_back(array.mutable_data());
      arrays.push_back(std::move(array));
    }
  }
  // The only one by itself.
  py::object result() const { return arrays.size() == 1 ? py::object(arrays.front()) : py::cast(arrays); }
};

template <class T>
std::vector<Index> input_nodes(const Plan<T>& plan) {
  std::vector<Index> nodes(static_cast<std::size_t>(plan.inputs));
  std::iota(nodes.begin(), nodes.end(), Index{0});
  return nodes;
}

// Whether an array is a matrix [n, columns], n from 1 and `least` to `most`, of finite numbers of the dtype in the form
// that the core reads.
template <class T>
bool is_matrix(const py::handle& object, Index columns, Index least = 1,
               Index most = std::numeric_limits<Index>::max()) {
  if (!fits<T>(object)) {
    return false;
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (array.ndim() != 2 || array.shape(1) != columns || array.shape(0) < std::max(least, Index{1}) ||
      array.shape(0) > most) {
    return false;
  }
  const T* const from = data<T>(array);
  const Index size = array.size();
  std::optional<Released> released;
  if (size > 4096) {  // fewer are quicker looked at than the lock is given back
    released.emplace();
  }
  return kernels<T>().reduce.first_nonfinite(from, size) < 0;
}

// What `compute` makes, for a node, of a matrix with the columns of another by one call, without what lists of several
// and other kinds of samples take; None where x is something else, has fewer or more rows than these, or the network
// has several inputs or outputs.
template <class T, class F>
py::object of_matrix(PyNetwork& self, Network<T>& network, const py::object& x, Index from, Index node, Index least,
                     Index most, F&& compute) {
  const Plan<T>& plan = network.plan;
  if (plan.inputs > 1 || plan.outputs.size() > 1 || !is_matrix<T>(x, plan.columns(from), least, most)) {
    return py::none();
  }
  const auto array = py::reinterpret_borrow<py::array>(x);
  const Samples s{sizeof(T) == 4 ? Type::f32 : Type::f64,
                  array.data(),
                  array.shape(0),
                  array.shape(1),
                  array.strides(0),
                  array.strides(1)};
  py::array_t<T> out({s.rows, plan.columns(node)});
  T* const to = out.mutable_data();
  run(self, py::none(), [&](const Poll& poll) { compute(std::span(&s, 1), std::span(&to, 1), poll); });
  return out;
}

py::object forward_matrix(PyNetwork& self, const py::object& x) {
  return self.visit([&]<class T>(Network<T>& network) {
    check_draws(network.draws, 1);
    return of_matrix(
        self, network, x, 0, network.plan.outputs.front(), 1, std::numeric_limits<Index>::max(),
        [&](const auto& s, const auto& out, const Poll& poll) { fastopt::forward<T>(network, s, out, poll); });
  });
}

py::object predict_matrix(PyNetwork& self, const py::object& x, Index batch_size) {
  return self.visit([&]<class T>(Network<T>& network) {
    return of_matrix(self, network, x, 0, network.plan.outputs.front(), 1, batch_size,
                     [&](const auto& s, const auto& out, const Poll& poll) {
                       fastopt::predict<T>(network, s, {s.front().rows}, batch_size, out, poll);
                     });
  });
}

py::object forward(PyNetwork& self, const py::object& x) {
  return self.visit([&]<class T>(Network<T>& network) {
    check_draws(network.draws, 1);
    const std::vector<Samples> s = checked_samples(network, x);
    const NewArrays<T> out(network.plan, s.front().rows, network.plan.outputs);
    run(self, py::none(), [&](const Poll& poll) { fastopt::forward<T>(network, s, out.data, poll); });
    return out.result();
  });
}

template <class T>
void go_back(Network<T>& network, Index rows, std::span<const T* const> dy, std::span<T* const> dx, const Poll& poll) {
  if (!fastopt::backward<T>(network, rows, dy, dx, poll)) {
    throw std::runtime_error("another thread used the model between the forward pass and backward");
  }
}

// None also where there was no forward pass, or one of other rows.
py::object backward_matrix(PyNetwork& self, const py::object& dy) {
  return self.visit([&]<class T>(Network<T>& network) {
    const Index rows = network.forward_rows;
    return of_matrix(self, network, dy, network.plan.outputs.front(), 0, rows, rows,
                     [&](const auto& given, const auto& dx, const Poll& poll) {
                       const auto* const from = static_cast<const T*>(given.front().data);
                       go_back<T>(network, rows, std::span(&from, 1), dx, poll);
                     });
  });
}

py::object backward(PyNetwork& self, const py::object& dy) {
  return self.visit([&]<class T>(Network<T>& network) {
    const Index rows = network.forward_rows;
    if (rows == 0) {
      throw std::runtime_error("backward needs a forward pass of its own before it: call model(x) first");
    }
    std::vector<py::array> arrays;
    std::vector<const T*> gradients;
    for (const py::object& one : several(dy, network.plan.outputs.size(), "dy")) {
      arrays.push_back(checked<T>(one, "dy", {rows, network.plan.columns(network.plan.outputs[arrays.size()])}));
      gradients.push_back(data<T>(arrays.back()));
    }
    const NewArrays<T> dx(network.plan, rows, input_nodes(network.plan));
    run(self, py::none(), [&](const Poll& poll) { go_back<T>(network, rows, gradients, dx.data, poll); });
    return dx.result();
  });
}

py::object predict(PyNetwork& self, const py::object& x, Index batch_size, const py::object& poll,
                   const py::object& rows) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(Network<T>& network) {
    const std::vector<Samples> s = checked_samples(network, x);
    const std::vector<Index> index = rows.is_none() ? std::vector<Index>() : row_numbers(rows, "rows", s.front().rows);
    const Batch all = index.empty() ? Batch{s.front().rows} : Batch{std::ssize(index), index.data()};
    const NewArrays<T> out(network.plan, all.rows, network.plan.outputs);
    run(self, poll, [&](const Poll& polled) { fastopt::predict<T>(network, s, all, batch_size, out.data, polled); });
    return out.result();
  });
}

// The stages of a pass, a line each.
std::vector<std::string> schedule(PyNetwork& self, bool training) {
  return self.visit([&]<class T>(Network<T>& network) {
    const Mode mode{training, training && network.noise > 0};
    const Task task{.ends = training ? Task::Ends::objective : Task::Ends::outputs, .gradients = training};
    return describe(network.plan, make_schedule(network.plan, make_wiring(network.plan, mode), mode, task));
  });
}

std::shared_ptr<PyOptimizer> make_network_optimizer(const std::string& rule, const std::shared_ptr<PyNetwork>& network,
                                                    const std::vector<std::string>& extras, const Settings& settings,
                                                    const Matrices& matrices) {
  return network->visit([&]<class T>(Network<T>& n) {
    return std::shared_ptr<PyOptimizer>(
        new PyOptimizer{network, make_optimizer<T>(rule, extras, settings, matrices, tensors_of(n))});
  });
}

// Whether an array is labels [n] of so many classes in that form.
bool is_labels(const py::handle& object, Index classes) {
  if (!fits<Index>(object)) {
    return false;
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  const Index* const from = data<Index>(array);
  return array.ndim() == 1 &&
         std::all_of(from, from + array.size(), [&](Index label) { return label >= 0 && label < classes; });
}

}  // namespace

void add_network(py::module_& module) {
  const py::object none = py::none();
  module.def(
      "is_matrix",
      [](const py::object& array, const std::string& dtype, Index columns) {
        return dtype == "float32" ? is_matrix<float>(array, columns) : is_matrix<double>(array, columns);
      },
      py::arg("array"), py::arg("dtype"), py::arg("columns"));
  module.def("in_order", &in_order, py::arg("name"), py::arg("starts"), py::arg("columns"), py::arg("width"));
  module.def("check_ids", &check_ids, py::arg("name"), py::arg("x"), py::arg("counts"));
  module.def("is_labels", &is_labels, py::arg("array"), py::arg("classes"));

  py::class_<PyNetwork, std::shared_ptr<PyNetwork>>(module, "Network")
      .def(py::init(&make_network), py::arg("dtype"), py::arg("input_size"), py::arg("layers"), py::arg("seed") = 0,
           py::arg("outputs") = std::vector<Index>())
      .def_property_readonly("dtype", [](PyNetwork& self) { return self.network.index() == 0 ? "float32" : "float64"; })
      .def_property_readonly("input_size",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return n.plan.columns(0); }); })
      .def_property_readonly(
          "output_size",
          [](PyNetwork& self) { return self.visit([](auto& n) { return n.plan.columns(n.plan.outputs.front()); }); })
      // The number of parameters that learn, and whether some are kept in sets.
      .def_property_readonly("learning",
                             [](PyNetwork& self) {
                               return self.visit([](auto& n) {
                                 Index count = 0;
                                 n.plan.for_each_learning([&](const TensorSpec& tensor) { count += tensor.size; });
                                 return count;
                               });
                             })
      .def_property_readonly("constrained",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return n.constrains(); }); })
      .def_property_readonly("parameters",
                             [](const py::object& self) {
                               return self.cast<PyNetwork&>().visit([&](auto& n) {
                                 return by_tensor(n, [&](const TensorSpec& t) {
                                   return view(n.parameters.data() + t.offset, t.shape, self);
                                 });
                               });
                             })
      .def_property_readonly("gradients",
                             [](const py::object& self) {
                               return self.cast<PyNetwork&>().visit([&](auto& n) {
                                 return by_tensor(n, [&](const TensorSpec& t) {
                                   return view(n.gradients.data() + t.offset, t.shape, self);
                                 });
                               });
                             })
      .def_property_readonly(
          "state",
          [](const py::object& self) {
            return self.cast<PyNetwork&>().visit([&](auto& n) {
              return by_tensor(
                  n, [&](const TensorSpec& t) { return view(n.state.data() + t.offset, t.shape, self); }, false);
            });
          })
      .def_property(
          "draws", [](PyNetwork& self) { return self.visit([](auto& n) { return n.draws.value(); }); },
          [](PyNetwork& self, std::int64_t draws) {
            check_draws(draws, 0);
            self.visit([&](auto& n) { n.draws = draws; });
          })
      .def_property(
          "noise", [](PyNetwork& self) { return self.visit([](auto& n) { return n.noise; }); },
          [](PyNetwork& self, double noise) { self.visit([&](auto& n) { n.noise = noise; }); })
      .def_property_readonly("centers_inputs",
                             [](PyNetwork& self) {
                               return self.visit([](auto& n) {
                                 const auto centered = [](Index node) { return node >= 0; };
                                 const auto each = n.plan.centers | std::views::transform(centered);
                                 return std::vector<bool>(each.begin(), each.end());
                               });
                             })
      .def_property(
          "trainable",
          [](PyNetwork& self) {
            return self.visit(
                [](auto& n) { return std::vector<bool>(n.trainable.begin() + n.plan.inputs, n.trainable.end()); });
          },
          [](PyNetwork& self, const std::vector<bool>& trainable) {
            self.visit([&](auto& n) {
              if (static_cast<Index>(trainable.size()) != static_cast<Index>(n.trainable.size()) - n.plan.inputs) {
                throw std::invalid_argument("trainable must have an entry for each layer");
              }
              PythonCalls python;
              const Released released;
              const Turn turn(self, python);
              std::copy(trainable.begin(), trainable.end(), n.trainable.begin() + n.plan.inputs);
              n.freeze();
            });
          })
      .def("schedule", &schedule, py::arg("training") = true)
      .def("forward", &forward, py::arg("x"))
      .def("backward", &backward, py::arg("dy"))
      .def("predict", &predict, py::arg("x"), py::arg("batch_size") = 256, py::arg("poll") = none,
           py::arg("rows") = none)
      .def("forward_matrix", &forward_matrix, py::arg("x"))
      .def("backward_matrix", &backward_matrix, py::arg("dy"))
      .def("predict_matrix", &predict_matrix, py::arg("x"), py::arg("batch_size"));

  py::class_<PyOptimizer, std::shared_ptr<PyOptimizer>> optimizer(module, "Optimizer");
  optimizer
      .def(py::init(&make_network_optimizer), py::arg("rule"), py::arg("network"),
           py::arg("extras") = std::vector<std::string>(), py::arg("settings") = Settings(),
           py::arg("matrices") = Matrices())
      .def_property_readonly("slots",
                             [](const py::object& self) {
                               auto& owner = self.cast<PyOptimizer&>();
                               return owner.visit([&]<class T>(State<T>& o) {
                                 std::size_t i = 0;
                                 return by_tensor(
                                     std::get<Network<T>>(owner.network->network),
                                     [&](const TensorSpec& t) { return slot_views(o, i++, t.shape, self); });
                               });
                             })
      .def(
          "put_average",
          [](PyOptimizer& self, bool there) {
            self.visit([&]<class T>(State<T>& o) {
              PythonCalls python;
              const Released released;
              const Turn turn(*self.network, python);
              o.step().put_average(there);
            });
          },
          py::arg("there"))
      .def(
          "apply",
          [](PyOptimizer& self, const py::dict& hyper) {
            self.visit([&]<class T>(State<T>& o) {
              check_steps(o, 1);
              const std::vector<double> values = step_hyper(o, hyper);
              Network<T>& network = std::get<Network<T>>(self.network->network);
              PythonCalls python;
              const Released released;
              const Turn turn(*self.network, python);
              freeze(network, o);
              o.step().run(values, true);
              if (o.step().held == 0) {
                network.constrain();
              }
            });
          },
          py::arg("hyper"));
  add_state(optimizer);
}

}  // namespace fastopt::bindings
