// Samples with targets, and passes through them that train a network or judge it.
#include "bindings/network.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "bindings/module.h"
#include "bindings/solvers.h"
#include "bindings/target.h"
#include "kernels/reduce/args.h"
#include "ops/loss.h"
#include "ops/metric.h"
#include "ops/reduce.h"
#include "train/epoch.h"
#include "train/evaluate.h"
#include "train/full_batch.h"
#include "train/solve.h"

namespace fastopt::bindings {

namespace {

// What one output is judged by.
struct PyGoal {
  int loss = -1;
  py::object function = py::none();  // instead of a loss of the core
  std::string name;
  LossHyper hyper = {};
  std::vector<std::string> metric_names;
  std::vector<MetricChoice> metrics = {};
  double factor = 1;
};

std::shared_ptr<PyGoal> make_goal(const std::string& name, const std::vector<std::string>& metrics,
                                  const std::map<std::string, double>& hyper, double factor,
                                  const py::object& function) {
  auto made = std::make_shared<PyGoal>();
  made->name = name;
  made->metric_names = metrics;
  made->factor = factor;
  made->function = function;
  if (!function.is_none()) {
    made->metrics.resize(metrics.size(), {-1});
    return made;
  }
  made->loss = find_loss(name);
  made->hyper = loss_hyper(made->loss, hyper);
  for (const std::string& metric : metrics) {
    made->metrics.push_back(find_metric(metric));
  }
  return made;
}

using Goals = std::vector<std::shared_ptr<PyGoal>>;  // of each output

// Samples, and how far the present pass through them has come.
template <class T>
struct Data {
  std::vector<py::object> arrays;  // whose memory is read
  std::vector<Samples> x;
  Goals goals;
  Objective<T> objective;
  std::vector<std::vector<Index>> labels;  // of each output that has some
  std::vector<Index> order;                // both are copies: they are used as indices
  Index rows, batch_size = 0, done = 0;
  Totals totals;
  PythonCalls python;
  const PyGoal* not_finite = nullptr;  // the one whose gradient was not

  Data(const Network<T>& network, const py::object& given_x, const py::object& y, Goals given,
       const py::object& sample_weight)
      : arrays(several(given_x, static_cast<std::size_t>(network.plan.inputs), "x")),
        x(checked_samples(network, given_x)),
        goals(std::move(given)),
        rows(x.front().rows) {
    for (const std::shared_ptr<PyGoal>& goal : goals) {
      objective.goals.push_back(
          {.loss = goal->loss, .hyper = goal->hyper, .factor = goal->factor, .metrics = goal->metrics});
      if (!goal->function.is_none()) {
        objective.goals.back().ask = [this, g = goal.get()](const Question<T>& question) {
          return python.call([&] { return ask(*g, question); });
        };
      }
    }
    check(network.plan, objective);
    take_targets(network, several(y, goals.size(), "y"));
    if (!sample_weight.is_none()) {
      objective.weight = keep(checked<T>(sample_weight, "sample_weight", {rows}));
    }
  }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;

  // Begins a pass through the samples in some order, or in their own.
  void start(Index size, const py::object& given_order) {
    check_batch_size(size);
    std::vector<Index> given;
    if (!given_order.is_none()) {
      const py::array array = checked<Index>(given_order, "order", {rows});
      given.assign(data<Index>(array), data<Index>(array) + rows);
      const auto wrong = std::ranges::find_if(given, [&](Index i) { return i < 0 || i >= rows; });
      if (wrong != given.end()) {
        throw std::invalid_argument("order[" + std::to_string(wrong - given.begin()) + "] = " + std::to_string(*wrong) +
                                    " is not in 0.." + std::to_string(rows - 1));
      }
    }
    order = std::move(given);
    batch_size = size;
    done = 0;
    totals = {};
    totals.reserve(objective);
  }

  Index batches() const { return (rows - 1) / batch_size + 1; }

  py::dict sums() const {
    py::dict result;
    result["batches"] = totals.batches;
    result["samples"] = totals.samples;
    result["weight"] = totals.weight;
    result["loss"] = totals.loss;
    std::size_t next = 0;
    for (std::size_t i = 0; i < goals.size(); ++i) {
      const std::string prefix = goals.size() == 1 ? "" : std::to_string(i) + "/";
      if (!prefix.empty()) {
        result[py::str(prefix + "loss")] = totals.losses[i];
      }
      for (const std::string& metric : goals[i]->metric_names) {
        result[py::str(prefix + metric)] = totals.metrics[next++];
      }
    }
    return result;
  }

 private:
  const T* keep(const py::array& array) {
    arrays.push_back(array);
    return data<T>(array);
  }

  void take_targets(const Network<T>& network, const std::vector<py::object>& y) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      Goal<T>& goal = objective.goals[i];
      if (goal.ask) {
        continue;
      }
      const std::string name = goals.size() == 1 ? "y" : "y[" + std::to_string(i) + "]";
      const Index columns = network.plan.columns(network.plan.outputs[i]);
      if (!loss_kernel(goal.loss).labels()) {
        goal.dense = keep(checked<T>(y[i], name, {rows, columns}));
        continue;
      }
      const py::array array = checked<Index>(y[i], name, {rows});
      const Index* const given = data<Index>(array);
      goal.labels = labels.emplace_back(given, given + rows).data();
      for (Index sample = 0; sample < rows; ++sample) {
        check_label(name.c_str(), sample, goal.labels[sample], columns);
      }
    }
  }

  // function(samples, outputs, number) returns the losses [n], the gradient [n, outputs] of their weighted sum by
  // this number of samples, and each metric [n].
  bool ask(const PyGoal& goal, const Question<T>& question) {
    const Batch& batch = question.batch;
    py::array_t<T> outputs({batch.rows, question.columns});
    for (Index i = 0; i < batch.rows; ++i) {
      std::copy_n(question.outputs.row(i), question.columns, outputs.mutable_data() + i * question.columns);
    }
    const py::object samples =
        batch.index ? py::object(py::array_t<Index>(batch.rows, batch.index))
                    : py::object(py::slice(py::int_(batch.first), py::int_(batch.first + batch.rows), py::none()));
    const auto answer = goal.function(samples, outputs, question.samples).template cast<py::tuple>();
    const auto copy = [&](const py::handle& values, T* to) {
      std::copy_n(data<T>(checked<T>(values, "the answer", {batch.rows})), batch.rows, to);
    };
    copy(answer[0], question.loss);
    const auto metrics = answer[2].template cast<py::sequence>();
    for (std::size_t i = 0; i < question.metrics.size(); ++i) {
      copy(metrics[i], question.metrics[i]);
    }
    if (question.gradient.data) {
      const py::array gradient = checked<T>(answer[1], "the gradient", {batch.rows, question.columns});
      const T* const from = data<T>(gradient);
      const auto finite = [](const T* values, Index size) {
        return kernels<T>().reduce.first_nonfinite(values, size) < 0;
      };
      if (finite(question.loss, batch.rows) && !finite(from, gradient.size())) {
        not_finite = &goal;
        return false;
      }
      const auto factor = static_cast<T>(goal.factor);
      for (Index i = 0; i < batch.rows; ++i) {
        std::transform(from + i * question.columns, from + (i + 1) * question.columns, question.gradient.row(i),
                       [=](T value) { return factor * value; });
      }
    }
    return true;
  }
};

struct PyEpoch {
  std::shared_ptr<PyNetwork> network;
  std::variant<std::unique_ptr<Data<float>>, std::unique_ptr<Data<double>>> data;

  // f(network, data)
  template <class F>
  auto visit(F&& f) {
    return std::visit(
        [&]<class T>(std::unique_ptr<Data<T>>& d) { return f(std::get<Network<T>>(network->network), *d); }, data);
  }
};

std::shared_ptr<PyEpoch> make_epoch(const std::shared_ptr<PyNetwork>& network, const Goals& goals, const py::object& x,
                                    const py::object& y, const py::object& sample_weight, const py::object& order,
                                    Index batch_size) {
  auto epoch = std::make_shared<PyEpoch>();
  epoch->network = network;
  network->visit([&]<class T>(const Network<T>& n) {
    auto made = std::make_unique<Data<T>>(n, x, y, goals, sample_weight);
    made->start(batch_size, order);
    epoch->data = std::move(made);
  });
  return epoch;
}

// The numbers of each of the next steps, in the order of the rule's names; the arrays are kept.
template <class T>
std::vector<HyperSeries> hyper_series(State<T>& optimizer, const py::dict& hyper, Index count,
                                      std::vector<std::variant<double, py::array>>& kept) {
  kept = ordered_hyper(rule_name(optimizer), optimizer.step().hyper(), hyper,
                       [&](const py::handle& value) -> std::variant<double, py::array> {
                         if (py::isinstance<py::array>(value)) {
                           return checked<double>(value, "a hyperparameter", {count});
                         }
                         return number(value);
                       });
  std::vector<HyperSeries> series;
  series.reserve(kept.size());
  for (const auto& value : kept) {
    const double* const constant = std::get_if<double>(&value);
    series.push_back(constant ? HyperSeries{constant, 0} : HyperSeries{data<double>(std::get<py::array>(value)), 1});
  }
  return series;
}

// What is kept of a step that holds NaN or infinity; empty where nothing does. Slots are many, and looked at at the end
// of an epoch.
template <class T>
std::string spoilt(const Network<T>& network, const State<T>& state, bool with_slots) {
  if (!ops::finite(network.parameters)) {
    return "parameters";
  }
  if (!ops::finite(network.state)) {
    return "running statistics";
  }
  for (std::size_t i = 0; with_slots && i < state.buffers().size(); ++i) {
    if (!ops::finite(state.buffers()[i])) {
      return "values of the optimizer's slot '" + std::string(state.slot_names()[i]) + "'";
    }
  }
  return "";
}

constexpr const char* advice = ". A lower learning rate or scaled inputs may help";

py::dict train(PyEpoch& self, PyOptimizer& optimizer, const py::dict& hyper, std::optional<Index> batches,
               const py::object& poll, bool ends_epoch) {
  if (optimizer.network != self.network) {
    throw std::invalid_argument("the optimizer trains another network");
  }
  return self.visit([&]<class T>(Network<T>& network, Data<T>& d) {
    State<T>& state = std::get<State<T>>(optimizer.optimizer);
    const Index left = d.batches() - d.done, count = batches ? *batches : left;
    if (count < 0 || count > left) {
      throw std::invalid_argument("batches must be from 0 to " + std::to_string(left) + ", got " +
                                  std::to_string(count));
    }
    check_steps(state, count);
    check_draws(network.draws, count);
    std::vector<std::variant<double, py::array>> kept;
    const std::vector<HyperSeries> series = hyper_series(state, hyper, count, kept);
    Outcome outcome{};
    std::string lost;
    run(*self.network, d.python, poll, [&](const Poll& polled) {
      outcome = fastopt::train<T>(network, state,
                                  {.x = d.x,
                                   .objective = d.objective,
                                   .hyper = series,
                                   .order = d.order.empty() ? nullptr : d.order.data(),
                                   .batch_size = d.batch_size,
                                   .first_batch = d.done,
                                   .batches = count,
                                   .poll = polled},
                                  d.totals);
      lost = spoilt(network, state, ends_epoch);
    });
    d.done += count;
    if (outcome == Outcome::not_finite || d.not_finite) {
      const PyGoal& goal = d.not_finite ? *d.not_finite : *d.goals.front();
      const std::string of = goal.function.is_none() || d.goals.size() > 1 ? "" : " of '" + goal.name + "'";
      raise(PyExc_FloatingPointError,
            std::string("the ") + (d.not_finite ? "gradient" : "loss") + of + " is not finite in batch " +
                std::to_string(d.totals.batches - (d.not_finite ? 0 : 1)) + ", step " +
                std::to_string(state.step().taken + 1) + "; the parameters are those of the step before" +
                (lost.empty() ? ""
                              : ", which made " + (lost == "parameters" ? "some of them" : lost) + " NaN or infinite") +
                advice);
    }
    if (!lost.empty()) {
      raise(PyExc_FloatingPointError, "step " + std::to_string(state.step().taken) + " or one before it made " + lost +
                                          " NaN or infinite" + advice);
    }
    return d.sums();
  });
}

// The sums, and what was spent.
py::dict solve(PyEpoch& self, solvers::Minimizer& minimizer, Index iterations, Index batches, bool anew, bool whole,
               const py::object& poll) {
  return self.visit([&]<class T>(Network<T>& network, Data<T>& d) {
    if (batches < 1 || batches > d.batches() - d.done || iterations < 1) {
      throw std::invalid_argument("batches and iterations must be at least 1");
    }
    check_draws(network.draws, batches * iterations);
    Solved solved;
    run(*self.network, d.python, poll, [&](const Poll& polled) {
      solved = fastopt::solve<T>(network, minimizer,
                                 {.x = d.x,
                                  .objective = d.objective,
                                  .order = d.order.empty() ? nullptr : d.order.data(),
                                  .batch_size = d.batch_size,
                                  .first_batch = d.done,
                                  .batches = batches,
                                  .iterations = iterations,
                                  .anew = anew,
                                  .whole = whole,
                                  .poll = polled},
                                 d.totals);
    });
    d.done += batches;
    if (const PyGoal* const goal = std::exchange(d.not_finite, nullptr)) {
      raise(PyExc_FloatingPointError, "the gradient of '" + goal->name + "' is not finite" + advice);
    }
    if (solved.ending == solvers::Ending::not_finite) {
      raise(PyExc_FloatingPointError,
            std::string("the loss or its gradient is not finite; the parameters are those of the last iteration") +
                advice);
    }
    py::dict result = d.sums();
    result["ending"] = name_of(solved.ending);
    result["nfev"] = solved.spent.values;
    result["njev"] = solved.spent.gradients;
    result["nhev"] = solved.spent.products;
    result["step"] = solved.step;
    result["gradient_norm"] = solved.gradient;
    return result;
  });
}

py::dict evaluate(PyEpoch& self, const py::object& poll) {
  return self.visit([&]<class T>(Network<T>& network, Data<T>& d) {
    run(*self.network, d.python, poll,
        [&](const Poll& polled) { fastopt::evaluate<T>(network, d.x, d.objective, d.batch_size, polled, d.totals); });
    return d.sums();
  });
}

py::tuple cost_and_gradient(PyEpoch& self, const py::object& parameters, bool whole, const py::object& poll) {
  return self.visit([&]<class T>(Network<T>& network, Data<T>& d) {
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
      const py::array given = checked<double>(parameters, "w", {count});
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
    run(*self.network, d.python, poll, [&](const Poll& polled) {
      const T* const w = parameters.is_none() ? network.parameters.data() : at.data();
      Watch watch(polled);
      cost = Cost<T>(network, d.x, d.objective, {}, whole, watch)(w, network.state.data(), sums).value_or(0);
    });
    if (const PyGoal* const goal = std::exchange(d.not_finite, nullptr)) {
      raise(PyExc_FloatingPointError, "the gradient of '" + goal->name + "' is not finite");
    }
    py::array_t<double> gradient(count);
    double* to = gradient.mutable_data();
    for (const TensorSpec* const tensor : tensors) {
      to = std::copy_n(sums.begin() + tensor->offset, tensor->size, to);
    }
    return py::make_tuple(cost, gradient);
  });
}

}  // namespace

void add_epoch(py::module_& module) {
  const py::object none = py::none();
  py::class_<PyGoal, std::shared_ptr<PyGoal>>(module, "Goal")
      .def(py::init(&make_goal), py::arg("loss"), py::arg("metrics") = std::vector<std::string>(),
           py::arg("hyper") = std::map<std::string, double>(), py::arg("factor") = 1.0, py::arg("function") = none);
  py::class_<PyEpoch, std::shared_ptr<PyEpoch>>(module, "Epoch")
      .def(py::init(&make_epoch), py::arg("network"), py::arg("goals"), py::arg("x"), py::arg("y"),
           py::arg("sample_weight") = none, py::arg("order") = none, py::arg("batch_size") = 32)
      .def(
          "start",
          [](PyEpoch& self, Index batch_size, const py::object& order) {
            self.visit([&](auto&, auto& data) { data.start(batch_size, order); });
          },
          py::arg("batch_size") = 32, py::arg("order") = none)
      .def("train", &train, py::arg("optimizer"), py::arg("hyper"), py::arg("batches") = none, py::arg("poll") = none,
           py::arg("ends_epoch") = false)
      .def("solve", &solve, py::arg("minimizer"), py::kw_only(), py::arg("iterations"), py::arg("batches"),
           py::arg("anew"), py::arg("whole") = false, py::arg("poll") = none)
      .def("evaluate", &evaluate, py::arg("poll") = none)
      .def("cost_and_gradient", &cost_and_gradient, py::arg("parameters") = none, py::arg("whole") = false,
           py::arg("poll") = none);
}

}  // namespace fastopt::bindings
