// Networks and their optimizers.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <numeric>
#include <optional>
#include <thread>
#include <variant>

#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/optimizer.h"
#include "kernels/reduce/args.h"
#include "ops/loss.h"
#include "ops/metric.h"
#include "train/by_hand.h"
#include "train/epoch.h"
#include "train/evaluate.h"
#include "train/full_batch.h"
#include "train/predict.h"

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
    return std::shared_ptr<PyNetwork>(
        new PyNetwork{.network = Network<float>(inputs, specs, outputs, seed), .exclusive = {}});
  }
  if (dtype == "float64") {
    return std::shared_ptr<PyNetwork>(
        new PyNetwork{.network = Network<double>(inputs, specs, outputs, seed), .exclusive = {}});
  }
  throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

void check_batch_size(Index batch_size) {
  if (batch_size < 1) {
    throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(batch_size));
  }
}

// As many objects as there are inputs or outputs: a list of them, or one by itself.
std::vector<py::object> several(const py::object& given, std::size_t count, const char* what) {
  if (count == 1 && !py::isinstance<py::list>(given) && !py::isinstance<py::tuple>(given)) {
    return {given};
  }
  std::vector<py::object> all;
  if (py::isinstance<py::list>(given) || py::isinstance<py::tuple>(given)) {
    all = given.cast<std::vector<py::object>>();
  }
  if (all.size() != count) {
    throw std::invalid_argument(std::string(what) + " must be a list of " + std::to_string(count));
  }
  return all;
}

// The samples of each input.
template <class T>
std::vector<Samples> checked_samples(const Network<T>& network, const py::object& x) {
  const auto count = static_cast<std::size_t>(network.plan.inputs);
  std::vector<Samples> all;
  for (const py::object& one : several(x, count, "x")) {
    const Index columns = network.plan.columns(static_cast<Index>(all.size()));
    all.push_back(samples(one, columns));
    if (all.back().rows == 0) {
      throw std::invalid_argument("x has no samples: its shape is (0, " + std::to_string(columns) + ")");
    }
    if (all.back().rows != all.front().rows) {
      throw std::invalid_argument("the inputs must have equally many samples, got " + std::to_string(all.front().rows) +
                                  " and " + std::to_string(all.back().rows));
    }
  }
  return all;
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

// What is asked of one output: its loss by name with hyperparameters, how many times the objective takes it, and
// metrics.
struct GoalSpec {
  std::string loss;
  std::map<std::string, double> hyper;
  std::vector<std::string> metrics;
  double factor = 1;
  std::string prefix = "";  // of the names in totals
};

// Of the only output, or a dict for each.
std::vector<GoalSpec> goal_specs(const py::object& loss, const std::vector<std::string>& metrics,
                                 const std::map<std::string, double>& hyper) {
  if (py::isinstance<py::str>(loss)) {
    return {{.loss = loss.cast<std::string>(), .hyper = hyper, .metrics = metrics}};
  }
  std::vector<GoalSpec> specs;
  for (const py::handle& item : loss) {
    const auto goal = item.cast<py::dict>();
    specs.push_back({.loss = goal["loss"].cast<std::string>(),
                     .hyper = goal["hyper"].cast<std::map<std::string, double>>(),
                     .metrics = goal["metrics"].cast<std::vector<std::string>>(),
                     .factor = goal["factor"].cast<double>(),
                     .prefix = std::to_string(specs.size()) + "/"});
  }
  return specs;
}

// What a batch is judged by, with the arrays that its pointers point into.
template <class T>
struct CheckedObjective {
  Objective<T> objective;
  std::vector<py::array> targets;
  std::optional<py::array> weight;
};

template <class T>
CheckedObjective<T> checked_objective(const Network<T>& network, Index rows, const Used& used, const py::object& y,
                                      const std::vector<GoalSpec>& specs, const py::object& sample_weight) {
  CheckedObjective<T> result;
  for (const GoalSpec& spec : specs) {
    Goal<T> goal{.loss = find_loss(spec.loss), .factor = spec.factor};
    goal.hyper = loss_hyper(goal.loss, spec.hyper);
    for (const std::string& name : spec.metrics) {
      goal.metrics.push_back(find_metric(name));
    }
    result.objective.goals.push_back(std::move(goal));
  }
  check(network.plan, result.objective);
  const std::vector<py::object> given = several(y, specs.size(), "y");
  for (std::size_t i = 0; i < given.size(); ++i) {
    Goal<T>& goal = result.objective.goals[i];
    const std::string name = given.size() == 1 ? "y" : "y[" + std::to_string(i) + "]";
    const Index columns = network.plan.columns(network.plan.outputs[i]);
    if (loss_kernel(goal.loss).labels) {
      result.targets.push_back(checked<Index>(given[i], name, {rows}));
      goal.labels = data<Index>(result.targets.back());
      used.for_each([&](Index sample) { check_label(name.c_str(), sample, goal.labels[sample], columns); });
    } else {
      result.targets.push_back(checked<T>(given[i], name, {rows, columns}));
      goal.dense = data<T>(result.targets.back());
    }
  }
  if (!sample_weight.is_none()) {
    result.weight = checked<T>(sample_weight, "sample_weight", {rows});
    result.objective.weight = data<T>(*result.weight);
  }
  return result;
}

// f(name, number) for the sums of each output.
template <class F>
void for_each_total(Totals& totals, const std::vector<GoalSpec>& specs, F&& f) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!specs[i].prefix.empty()) {
      f(specs[i].prefix + "loss", totals.losses[i]);
    }
    for (const std::string& metric : specs[i].metrics) {
      f(specs[i].prefix + metric, totals.metrics[next++]);
    }
  }
}

py::dict totals_dict(Totals& totals, const std::vector<GoalSpec>& specs) {
  py::dict result;
  result["batches"] = totals.batches;
  result["samples"] = totals.samples;
  result["weight"] = totals.weight;
  result["loss"] = totals.loss;
  for_each_total(totals, specs, [&](const std::string& name, double value) { result[py::str(name)] = value; });
  return result;
}

// What `totals_dict` returned, to be added to.
template <class T>
Totals totals_of(const std::optional<py::dict>& given, const std::vector<GoalSpec>& specs,
                 const Objective<T>& objective) {
  Totals totals;
  totals.reserve(objective);
  if (given) {
    totals.batches = (*given)["batches"].cast<Index>();
    totals.samples = (*given)["samples"].cast<Index>();
    totals.weight = (*given)["weight"].cast<double>();
    totals.loss = (*given)["loss"].cast<double>();
    for_each_total(totals, specs, [&](const std::string& name, double& value) {
      value = (*given)[py::str(name)].template cast<double>();
    });
  }
  return totals;
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

py::object forward(PyNetwork& self, const py::object& x) {
  return self.visit([&]<class T>(Network<T>& network) {
    const std::vector<Samples> s = checked_samples(network, x);
    const NewArrays<T> out(network.plan, s.front().rows, network.plan.outputs);
    run(self, py::none(), [&](const Poll& poll) { fastopt::forward<T>(network, s, out.data, poll); });
    return out.result();
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
    run(self, py::none(), [&](const Poll& poll) {
      if (!fastopt::backward<T>(network, rows, gradients, dx.data, poll)) {
        throw std::runtime_error("another thread used the model between the forward pass and backward");
      }
    });
    return dx.result();
  });
}

py::object predict(PyNetwork& self, const py::object& x, Index batch_size, const py::object& poll) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(Network<T>& network) {
    const std::vector<Samples> s = checked_samples(network, x);
    const NewArrays<T> out(network.plan, s.front().rows, network.plan.outputs);
    run(self, poll, [&](const Poll& polled) { fastopt::predict<T>(network, s, batch_size, out.data, polled); });
    return out.result();
  });
}

py::dict evaluate(PyNetwork& self, const py::object& x, const py::object& y, const py::object& loss,
                  const std::vector<std::string>& metric_names, const py::object& sample_weight, Index batch_size,
                  const py::object& poll, const std::map<std::string, double>& loss_hyper) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(Network<T>& network) {
    const std::vector<Samples> s = checked_samples(network, x);
    const Index rows = s.front().rows;
    const std::vector<GoalSpec> specs = goal_specs(loss, metric_names, loss_hyper);
    const CheckedObjective<T> checked = checked_objective(network, rows, {{0, rows}}, y, specs, sample_weight);
    Totals totals;
    run(self, poll,
        [&](const Poll& polled) { fastopt::evaluate<T>(network, s, checked.objective, batch_size, polled, totals); });
    return totals_dict(totals, specs);
  });
}

py::dict train(PyOptimizer& self, const py::object& x, const py::object& y, const py::object& loss,
               const py::dict& hyper, const std::vector<std::string>& metric_names, const py::object& sample_weight,
               const py::object& order, Index batch_size, Index first_batch, std::optional<Index> batches,
               const py::object& poll, const std::optional<py::dict>& totals_before,
               const std::map<std::string, double>& loss_hyper) {
  check_batch_size(batch_size);
  return self.visit([&]<class T>(State<T>& optimizer) {
    Network<T>& network = std::get<Network<T>>(self.network->network);
    const std::vector<Samples> s = checked_samples(network, x);
    const Index rows = s.front().rows, all = (rows - 1) / batch_size + 1;
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
    Used used{{first_batch * batch_size, count == all - first_batch ? rows : (first_batch + count) * batch_size}};
    std::optional<py::array> checked_order;
    if (!order.is_none()) {
      checked_order = checked<Index>(order, "order", {rows});
      used.order = data<Index>(*checked_order);
      for (Index i = used.places.begin; i < used.places.end; ++i) {
        if (used.order[i] < 0 || used.order[i] >= rows) {
          throw std::invalid_argument("order[" + std::to_string(i) + "] = " + std::to_string(used.order[i]) +
                                      " is not in 0.." + std::to_string(rows - 1));
        }
      }
    }
    const std::vector<GoalSpec> specs = goal_specs(loss, metric_names, loss_hyper);
    const CheckedObjective<T> objective = checked_objective(network, rows, used, y, specs, sample_weight);
    const PythonPoll python(poll);
    Totals totals = totals_of(totals_before, specs, objective.objective);
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
    return totals_dict(totals, specs);
  });
}

py::tuple cost_and_gradient(PyNetwork& self, const py::object& x, const py::object& y, const py::object& loss,
                            const py::object& parameters, const py::object& sample_weight, const py::object& poll,
                            const std::map<std::string, double>& loss_hyper) {
  return self.visit([&]<class T>(Network<T>& network) {
    const std::vector<Samples> s = checked_samples(network, x);
    const Index rows = s.front().rows;
    const std::vector<GoalSpec> specs = goal_specs(loss, {}, loss_hyper);
    const CheckedObjective<T> checked = checked_objective(network, rows, {{0, rows}}, y, specs, sample_weight);
    // Tensors lie one after the other in the caller's vectors, but on cache lines in those of the plan.
    std::vector<const TensorSpec*> tensors;
    Index count = 0;
    for (const Node<T>& node : network.plan.nodes) {
      for (const TensorSpec& tensor : node.layer.tensors) {
        if (tensor.trained) {
          tensors.push_back(&tensor);
          count += tensor.size;
        }
      }
    }
    Buffer<T> at;
    if (!parameters.is_none()) {
      const py::array given = bindings::checked<double>(parameters, "w", {count});
      const double* from = data<double>(given);
      at = Buffer<T>(network.parameters.size());
      for (const TensorSpec* const tensor : tensors) {
        std::transform(from, from + tensor->size, at.data() + tensor->offset,
                       [](double value) { return static_cast<T>(value); });
        from += tensor->size;
      }
    }
    std::vector<double> sums(static_cast<std::size_t>(network.plan.parameters));
    double cost = 0;
    run(self, poll, [&](const Poll& polled) {
      const T* const w = parameters.is_none() ? network.parameters.data() : at.data();
      cost = fastopt::cost_and_gradient<T>(network, s, checked.objective, w, sums, polled);
    });
    py::array_t<double> gradient(count);
    double* to = gradient.mutable_data();
    for (const TensorSpec* const tensor : tensors) {
      to = std::copy_n(sums.begin() + tensor->offset, tensor->size, to);
    }
    return py::make_tuple(cost, gradient);
  });
}

// The stages of a pass, a line each.
std::vector<std::string> schedule(PyNetwork& self, bool training) {
  return self.visit([&]<class T>(Network<T>& network) {
    const Mode mode{training, training && network.noise};
    const Task task{.ends = training ? Task::Ends::objective : Task::Ends::outputs, .gradients = training};
    return describe(network.plan, make_schedule(network.plan, make_wiring(network.plan, mode), mode, task));
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
      .def(py::init(&make_network), py::arg("dtype"), py::arg("input_size"), py::arg("layers"), py::arg("seed") = 0,
           py::arg("outputs") = std::vector<Index>())
      .def_property_readonly("dtype", [](PyNetwork& self) { return self.network.index() == 0 ? "float32" : "float64"; })
      .def_property_readonly("input_size",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return n.plan.columns(0); }); })
      .def_property_readonly(
          "output_size",
          [](PyNetwork& self) { return self.visit([](auto& n) { return n.plan.columns(n.plan.outputs.front()); }); })
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
          "draws", [](PyNetwork& self) { return self.visit([](auto& n) { return n.draws; }); },
          [](PyNetwork& self, std::int64_t draws) { self.visit([&](auto& n) { n.draws = draws; }); })
      .def_property(
          "noise", [](PyNetwork& self) { return self.visit([](auto& n) { return n.noise; }); },
          [](PyNetwork& self, bool noise) { self.visit([&](auto& n) { n.noise = noise; }); })
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
              const Released released;
              const Exclusive::Lock lock(self.exclusive);
              std::copy(trainable.begin(), trainable.end(), n.trainable.begin() + n.plan.inputs);
              n.freeze(n.trainable);
            });
          })
      .def("schedule", &schedule, py::arg("training") = true)
      .def("forward", &forward, py::arg("x"))
      .def("backward", &backward, py::arg("dy"))
      .def_property_readonly("penalises",
                             [](PyNetwork& self) { return self.visit([](auto& n) { return penalizes(n); }); })
      .def("penalty",
           [](PyNetwork& self) {
             return self.visit([&](auto& n) {
               const Released released;
               const Exclusive::Lock lock(self.exclusive);
               return penalty(n);
             });
           })
      .def("predict", &predict, py::arg("x"), py::arg("batch_size") = 256, py::arg("poll") = none)
      .def("evaluate", &evaluate, py::arg("x"), py::arg("y"), py::arg("loss"), py::arg("metrics") = py::tuple(),
           py::arg("sample_weight") = none, py::arg("batch_size") = 256, py::arg("poll") = none,
           py::arg("loss_hyper") = std::map<std::string, double>())
      .def("cost_and_gradient", &cost_and_gradient, py::arg("x"), py::arg("y"), py::arg("loss"),
           py::arg("parameters") = none, py::arg("sample_weight") = none, py::arg("poll") = none,
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
            self.visit([&]<class T>(State<T>& o) {
              const std::vector<double> values = step_hyper(o, hyper);
              Network<T>& network = std::get<Network<T>>(self.network->network);
              const Released released;
              const Exclusive::Lock lock(self.network->exclusive);
              freeze(network, o);
              o.step().run(values, true);
              if (o.step().held == 0) {
                network.constrain();
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
