// Networks and their optimizers.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <variant>

#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/optimizer.h"
#include "kernels/reduce/args.h"
#include "ops/loss.h"
#include "ops/metric.h"
#include "train/epoch.h"

namespace fastopt::bindings {

namespace {

// A poll that looks for signals and calls a Python function; what either raises is kept until the run has stopped.
class PythonPoll {
 public:
  explicit PythonPoll(py::object callable) : callable_(std::move(callable)) {
    poll_ = [this](Index done) { return this->ask(done); };
  }

  const Poll& poll() const { return poll_; }

  // With the GIL held, after the run.
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  bool ask(Index done) {
    if (exiting()) {
      return false;
    }
    const py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
      }
      if (!callable_.is_none()) {
        callable_(done);
      }
      return true;
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }

  py::object callable_;
  Poll poll_;
  std::exception_ptr error_;
};

// The number of this process, asked for once and again in each child.
pid_t this_process() {
  static std::atomic<pid_t> process{getpid()};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { process = getpid(); });
  static_cast<void>(registered);
  return process;
}

// One call at a time works on a network. A call from within a running one (from its poll) is refused instead of waiting
// for itself; so is one in a process that was forked during a call, which would wait for a thread that it does not
// have.
class Exclusive {
 public:
  class Lock {
   public:
    explicit Lock(Exclusive& exclusive) : exclusive_(exclusive) {
      const pid_t process = this_process();
      for (pid_t holder = 0; !exclusive.holder_.compare_exchange_strong(holder, process); holder = 0) {
        if (holder != process) {
          throw std::runtime_error(
              "this process was forked while a call worked on this model, which never ends here: make or load another");
        }
        if (exclusive.owner_.load() == std::this_thread::get_id()) {
          throw std::runtime_error("this model is busy: it was called from within its own training or prediction");
        }
        exclusive.holder_.wait(holder);
      }
      exclusive.owner_ = std::this_thread::get_id();
    }
    ~Lock() {
      exclusive_.owner_ = std::thread::id();
      exclusive_.holder_ = 0;
      exclusive_.holder_.notify_one();
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Exclusive& exclusive_;
  };

 private:
  std::atomic<pid_t> holder_{0};  // the process of the running call
  std::atomic<std::thread::id> owner_;
};

struct PyNetwork {
  std::variant<Network<float>, Network<double>> network;
  Exclusive exclusive;

  template <class F>
  auto visit(F&& f) {
    return std::visit([&]<class T>(Network<T>& n) { return f(n); }, network);
  }
};

struct PyOptimizer {
  std::shared_ptr<PyNetwork> network;
  std::variant<State<float>, State<double>> optimizer;

  template <class F>
  auto visit(F&& f) {
    return std::visit([&]<class T>(State<T>& o) { return f(o); }, optimizer);
  }
};

// make(tensor) for every tensor, trained or not, as a list of dicts: one dict a layer.
template <class T, class F>
py::list by_tensor(const Network<T>& network, F&& make, bool trained = true) {
  py::list all;
  for (const auto& layer : network.layers()) {
    py::dict tensors;
    for (const TensorSpec& tensor : layer->tensors()) {
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
    LayerSpec spec{.kind = "", .activation = "linear", .numbers = {}};
    for (const auto& [key, value] : layer) {
      if (key == "kind") {
        spec.kind = value.cast<std::string>();
      } else if (key == "activation") {
        spec.activation = value.cast<std::string>();
      } else {
        spec.numbers[key] = value.cast<double>();
      }
    }
    specs.push_back(spec);
  }
  return specs;
}

std::shared_ptr<PyNetwork> make_network(const std::string& dtype, Index input_size,
                                        const std::vector<std::map<std::string, py::object>>& layers,
                                        std::uint64_t seed) {
  const std::vector<LayerSpec> specs = layer_specs(layers);
  if (dtype == "float32") {
    return std::shared_ptr<PyNetwork>(
        new PyNetwork{.network = Network<float>(input_size, specs, seed), .exclusive = {}});
  }
  if (dtype == "float64") {
    return std::shared_ptr<PyNetwork>(
        new PyNetwork{.network = Network<double>(input_size, specs, seed), .exclusive = {}});
  }
  throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

void check_batch_size(Index batch_size) {
  if (batch_size < 1) {
    throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(batch_size));
  }
}

Samples checked_samples(const py::object& x, Index columns) {
  const Samples s = samples(x, columns);
  if (s.rows == 0) {
    throw std::invalid_argument("x has no samples: its shape is (0, " + std::to_string(columns) + ")");
  }
  return s;
}

// The samples that a call works on: places begin..end of the order, or of the samples themselves.
struct Used {
  Range places;
  const Index* order = nullptr;

  template <class F>
  void for_each(F&& f) const {
    for (Index i = places.begin; i < places.end; ++i) {
      f(order ? order[i] : i);
    }
  }
};

// What a batch is judged by, with the arrays that its pointers point into.
template <class T>
struct CheckedObjective {
  Objective<T> objective;
  py::array target;
  std::optional<py::array> weight;
};

template <class T>
CheckedObjective<T> checked_objective(const Network<T>& network, const Samples& x, const Used& used,
                                      const py::object& y, const std::string& loss,
                                      const std::map<std::string, double>& hyper,
                                      const std::vector<std::string>& metric_names, const py::object& sample_weight) {
  const int which = find_loss(loss);
  Objective<T> objective{.loss = which, .hyper = loss_hyper(which, hyper), .metrics = {}};
  for (const std::string& name : metric_names) {
    objective.metrics.push_back(find_metric(name));
  }
  network.check(objective);
  const bool labels = loss_kernel(objective.loss).labels;
  py::array target = labels ? checked<Index>(y, "y", {x.rows}) : checked<T>(y, "y", {x.rows, network.outputs()});
  if (labels) {
    objective.labels = data<Index>(target);
    used.for_each([&](Index sample) { check_label("y", sample, objective.labels[sample], network.outputs()); });
  } else {
    objective.dense = data<T>(target);
  }
  std::optional<py::array> weight;
  if (!sample_weight.is_none()) {
    weight = checked<T>(sample_weight, "sample_weight", {x.rows});
    objective.weight = data<T>(*weight);
  }
  return {std::move(objective), std::move(target), std::move(weight)};
}

py::dict totals_dict(const Totals& totals, const std::vector<std::string>& metric_names) {
  py::dict result;
  result["batches"] = totals.batches;
  result["samples"] = totals.samples;
  result["weight"] = totals.weight;
  result["loss"] = totals.loss;
  for (std::size_t i = 0; i < metric_names.size(); ++i) {
    result[py::str(metric_names[i])] = totals.metrics[i];
  }
  return result;
}

// Calls work(poll) without the GIL, alone on the network; then raises what the poll raised.
template <class F>
void run(PyNetwork& self, const py::object& poll, F&& work) {
  const PythonPoll python(poll);
  {
    const Released released;
    const Exclusive::Lock lock(self.exclusive);
    work(python.poll());
  }
  python.rethrow();
}

// What `totals_dict` returned, to be added to.
Totals totals_of(const py::dict& given, const std::vector<std::string>& metric_names) {
  Totals totals{.batches = given["batches"].cast<Index>(),
                .samples = given["samples"].cast<Index>(),
                .weight = given["weight"].cast<double>(),
                .loss = given["loss"].cast<double>(),
                .metrics = {}};
  for (const std::string& name : metric_names) {
    totals.metrics.push_back(given[py::str(name)].cast<double>());
  }
  return totals;
}

py::array forward(PyNetwork& self, const py::object& x) {
  return self.visit([&]<class T>(Network<T>& network) -> py::array {
    const Samples s = checked_samples(x, network.inputs());
    py::array_t<T> out({s.rows, network.outputs()});
    T* to = out.mutable_data();
    run(self, py::none(), [&](const Poll& poll) { network.forward(s, to, poll); });
    return out;
  });
}

py::array backward(PyNetwork& self, const py::object& dy) {
  return self.visit([&]<class T>(Network<T>& network) -> py::array {
    const Index rows = network.forward_rows();
    if (rows == 0) {
      throw std::runtime_error("backward needs a forward pass of its own before it: call model(x) first");
    }
    const py::array gradient = checked<T>(dy, "dy", {rows, network.outputs()});
    py::array_t<T> dx({rows, network.inputs()});
    T* to = dx.mutable_data();
    run(self, py::none(), [&](const Poll& poll) {
      if (!network.backward(rows, data<T>(gradient), to, poll)) {
        throw std::runtime_error("another thread used the model between the forward pass and backward");
      }
    });
    return dx;
  });
}

py::array predict(PyNetwork& self, const py::object& x, Index batch_size, const py::object& poll) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(Network<T>& network) -> py::array {
    const Samples s = checked_samples(x, network.inputs());
    py::array_t<T> out({s.rows, network.outputs()});
    T* to = out.mutable_data();
    run(self, poll, [&](const Poll& polled) { network.predict(s, batch_size, to, polled); });
    return out;
  });
}

py::dict evaluate(PyNetwork& self, const py::object& x, const py::object& y, const std::string& loss,
                  const std::vector<std::string>& metric_names, const py::object& sample_weight, Index batch_size,
                  const py::object& poll, const std::map<std::string, double>& loss_hyper) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(Network<T>& network) {
    const Samples s = checked_samples(x, network.inputs());
    const auto checked = checked_objective(network, s, {{0, s.rows}}, y, loss, loss_hyper, metric_names, sample_weight);
    Totals totals;
    run(self, poll, [&](const Poll& polled) { network.evaluate(s, checked.objective, batch_size, polled, totals); });
    return totals_dict(totals, metric_names);
  });
}

py::dict train(PyOptimizer& self, const py::object& x, const py::object& y, const std::string& loss,
               const py::dict& hyper, const std::vector<std::string>& metric_names, const py::object& sample_weight,
               const py::object& order, Index batch_size, Index first_batch, std::optional<Index> batches,
               const py::object& poll, const std::optional<py::dict>& totals_before,
               const std::map<std::string, double>& loss_hyper) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(State<T>& optimizer) {
    Network<T>& network = std::get<Network<T>>(self.network->network);
    const Samples s = checked_samples(x, network.inputs());
    const Index all = (s.rows - 1) / batch_size + 1;
    if (first_batch < 0 || first_batch > all) {
      throw std::invalid_argument("first_batch must be from 0 to " + std::to_string(all) + ", got " +
                                  std::to_string(first_batch));
    }
    const Index count = batches ? *batches : all - first_batch;
    if (count < 0 || count > all - first_batch) {
      throw std::invalid_argument("batches must be from 0 to " + std::to_string(all - first_batch) + ", got " +
                                  std::to_string(count));
    }
    const auto given = ordered_hyper(rule_name(optimizer), optimizer.step().hyper(), hyper,
                                     [&](const py::handle& value) -> std::variant<double, py::array> {
                                       if (py::isinstance<py::array>(value)) {
                                         return checked<double>(value, "a hyperparameter", {count});
                                       }
                                       return number(value);
                                     });
    std::vector<HyperSeries> series;
    series.reserve(given.size());
    for (const auto& value : given) {
      const double* const constant = std::get_if<double>(&value);
      series.push_back(constant ? HyperSeries{constant, 0} : HyperSeries{data<double>(std::get<py::array>(value)), 1});
    }
    Used used{{first_batch * batch_size, count == all - first_batch ? s.rows : (first_batch + count) * batch_size}};
    std::optional<py::array> checked_order;
    if (!order.is_none()) {
      checked_order = checked<Index>(order, "order", {s.rows});
      used.order = data<Index>(*checked_order);
      for (Index i = used.places.begin; i < used.places.end; ++i) {
        if (used.order[i] < 0 || used.order[i] >= s.rows) {
          throw std::invalid_argument("order[" + std::to_string(i) + "] = " + std::to_string(used.order[i]) +
                                      " is not in 0.." + std::to_string(s.rows - 1));
        }
      }
    }
    const auto objective = checked_objective(network, s, used, y, loss, loss_hyper, metric_names, sample_weight);
    const PythonPoll python(poll);
    Totals totals = totals_before ? totals_of(*totals_before, metric_names) : Totals{};
    const Index batches_before = totals.batches;
    Outcome outcome{};
    bool finite = true;
    {
      const Released released;
      const Exclusive::Lock lock(self.network->exclusive);
      outcome = fastopt::train<T>(network, optimizer,
                                  {.x = s,
                                   .objective = objective.objective,
                                   .hyper = series,
                                   .order = used.order,
                                   .batch_size = batch_size,
                                   .first_batch = first_batch,
                                   .batches = count,
                                   .poll = python.poll()},
                                  totals);
      finite = network.finite();
    }
    python.rethrow();
    if (outcome == Outcome::not_finite) {
      raise(PyExc_FloatingPointError, "the loss is not finite in batch " +
                                          std::to_string(first_batch + totals.batches - batches_before - 1) +
                                          ", step " + std::to_string(optimizer.step().taken + 1) +
                                          "; the parameters are those of the step before" +
                                          (finite ? "" : ", which made some of them NaN or infinite") +
                                          ". A lower learning rate or scaled inputs may help");
    }
    if (!finite) {
      raise(PyExc_FloatingPointError, "step " + std::to_string(optimizer.step().taken) +
                                          " or one before it made parameters NaN or infinite. A lower learning rate or "
                                          "scaled inputs may help");
    }
    return totals_dict(totals, metric_names);
  });
}

std::shared_ptr<PyOptimizer> make_network_optimizer(const std::string& rule, const std::shared_ptr<PyNetwork>& network,
                                                    const std::vector<std::string>& extras, const Settings& settings) {
  return network->visit([&]<class T>(Network<T>& n) {
    return std::shared_ptr<PyOptimizer>(
        new PyOptimizer{network, make_optimizer<T>(rule, extras, settings, tensors_of(n))});
  });
}

// Whether an array is a matrix [n >= 1, columns] of finite numbers of the dtype in the form that the core reads.
template <class T>
bool is_matrix(const py::handle& object, Index columns) {
  if (!fits<T>(object)) {
    return false;
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (array.ndim() != 2 || array.shape(0) == 0 || array.shape(1) != columns) {
    return false;
  }
  const T* const from = data<T>(array);
  const Index size = array.size();
  const Released released;
  return kernels<T>().reduce.first_nonfinite(from, size) < 0;
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
  module.def("is_labels", &is_labels, py::arg("array"), py::arg("classes"));

  py::class_<PyNetwork, std::shared_ptr<PyNetwork>>(module, "Network")
      .def(py::init(&make_network), py::arg("dtype"), py::arg("input_size"), py::arg("layers"), py::arg("seed") = 0)
      .def_property_readonly("dtype", [](PyNetwork& self) { return self.network.index() == 0 ? "float32" : "float64"; })
      .def_property_readonly("input_size",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return n.inputs(); }); })
      .def_property_readonly("output_size",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return n.outputs(); }); })
      .def_property_readonly(
          "parameters",
          [](const py::object& self) {
            return self.cast<PyNetwork&>().visit([&](auto& n) {
              return by_tensor(n, [&](const TensorSpec& t) { return view(n.parameters() + t.offset, t.shape, self); });
            });
          })
      .def_property_readonly(
          "gradients",
          [](const py::object& self) {
            return self.cast<PyNetwork&>().visit([&](auto& n) {
              return by_tensor(n, [&](const TensorSpec& t) { return view(n.gradients() + t.offset, t.shape, self); });
            });
          })
      .def_property_readonly("state",
                             [](const py::object& self) {
                               return self.cast<PyNetwork&>().visit([&](auto& n) {
                                 return by_tensor(
                                     n, [&](const TensorSpec& t) { return view(n.state() + t.offset, t.shape, self); },
                                     false);
                               });
                             })
      .def_property(
          "draws", [](PyNetwork& self) { return self.visit([](auto& n) { return n.draws; }); },
          [](PyNetwork& self, std::int64_t draws) { self.visit([&](auto& n) { n.draws = draws; }); })
      .def_property(
          "noise", [](PyNetwork& self) { return self.visit([](auto& n) { return n.noise; }); },
          [](PyNetwork& self, bool noise) { self.visit([&](auto& n) { n.noise = noise; }); })
      .def("forward", &forward, py::arg("x"))
      .def("backward", &backward, py::arg("dy"))
      .def_property_readonly("penalises",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return n.penalises(); }); })
      .def("penalty",
           [](PyNetwork& self) {
             return self.visit([&](auto& n) {
               const Released released;
               const Exclusive::Lock lock(self.exclusive);
               return n.penalty();
             });
           })
      .def("predict", &predict, py::arg("x"), py::arg("batch_size") = 256, py::arg("poll") = none)
      .def("evaluate", &evaluate, py::arg("x"), py::arg("y"), py::arg("loss"), py::arg("metrics") = py::tuple(),
           py::arg("sample_weight") = none, py::arg("batch_size") = 256, py::arg("poll") = none,
           py::arg("loss_hyper") = std::map<std::string, double>());

  py::class_<PyOptimizer, std::shared_ptr<PyOptimizer>> optimizer(module, "Optimizer");
  optimizer
      .def(py::init(&make_network_optimizer), py::arg("rule"), py::arg("network"),
           py::arg("extras") = std::vector<std::string>(), py::arg("settings") = Settings())
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
          "apply",
          [](PyOptimizer& self, const py::dict& hyper) {
            self.visit([&](auto& o) {
              const std::vector<double> values = step_hyper(o, hyper);
              const Released released;
              const Exclusive::Lock lock(self.network->exclusive);
              o.step().run(values, true);
              if (o.step().held == 0) {
                self.network->visit([](auto& network) { network.constrain(); });
              }
            });
          },
          py::arg("hyper"))
      .def("train", &train, py::arg("x"), py::arg("y"), py::arg("loss"), py::arg("hyper"),
           py::arg("metrics") = py::tuple(), py::arg("sample_weight") = none, py::arg("order") = none,
           py::arg("batch_size") = 32, py::arg("first_batch") = 0, py::arg("batches") = none, py::arg("poll") = none,
           py::arg("totals") = none, py::arg("loss_hyper") = std::map<std::string, double>());
  add_state(optimizer);
}

}  // namespace fastopt::bindings
