// Passes through samples with targets that train a network or judge it.
#include "bindings/epoch.h"

#include <limits>
#include <map>
#include <optional>

#include "bindings/module.h"
#include "bindings/solvers.h"
#include "train/epochs.h"
#include "train/evaluate.h"
#include "train/solve.h"

namespace fastopt::bindings {

namespace {

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

std::shared_ptr<PyEpoch> make_epoch(const std::shared_ptr<PyNetwork>& network, const Goals& goals, const py::object& x,
                                    const py::object& y, const py::object& sample_weight, const py::object& order,
                                    Index batch_size, const py::object& after) {
  auto epoch = std::make_shared<PyEpoch>();
  epoch->network = network;
  network->visit([&]<class T>(const Network<T>& n) {
    auto made = std::make_unique<Data<T>>(n, x, y, goals, sample_weight);
    made->start(batch_size, order);
    if (!after.is_none()) {  // as a pointer None would be tried twice, with all arguments
      after.cast<PyEpoch&>().visit([&](auto&, auto& before) { made->totals = before.totals; });
    }
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

// Raises what became of steps that did not go well.
template <class T>
void raise_failure(const Data<T>& d, State<T>& state, Outcome outcome, const std::string& lost) {
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
}

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
                                   .augment = d.augment,
                                   .objective = d.objective,
                                   .hyper = series,
                                   .samples = d.samples,
                                   .batch_size = d.batch_size,
                                   .first_batch = d.done,
                                   .batches = count,
                                   .poll = polled,
                                   .others = d.with()},
                                  d.totals);
      lost = spoilt(network, state, ends_epoch);
    });
    d.done += count;
    raise_failure(d, state, outcome, lost);
    return d.sums();
  });
}

// One step on all samples as one batch, without the Python object that an epoch of several is.
py::dict train_on_batch(PyOptimizer& self, const Goals& goals, const py::object& x, const py::object& y,
                        const py::object& sample_weight, const py::dict& hyper) {
  const auto epoch =
      make_epoch(self.network, goals, x, y, sample_weight, py::none(), std::numeric_limits<Index>::max(), py::none());
  return train(*epoch, self, hyper, 1, py::none(), false);
}

// Adds what is known of each finished epoch to a list, then raises what became of one that was not.
void train_epochs(PyEpoch& self, PyOptimizer& optimizer, const py::dict& hyper, py::list finished, Index number,
                  Index count, bool shuffle, std::uint64_t seed, std::uint64_t stream,
                  const std::shared_ptr<PyEpoch>& validation, Index every) {
  if (optimizer.network != self.network || (validation && validation->network != self.network)) {
    throw std::invalid_argument("the optimizer or the validation is of another network");
  }
  self.visit([&]<class T>(Network<T>& network, Data<T>& d) {
    State<T>& state = std::get<State<T>>(optimizer.optimizer);
    check_steps(state, count * d.batches());
    check_draws(network.draws, count * d.batches());
    std::vector<std::variant<double, py::array>> kept;
    const std::vector<HyperSeries> series = hyper_series(state, hyper, 1, kept);
    if (std::ranges::any_of(series, [](const HyperSeries& one) { return one.stride != 0; })) {
      throw std::invalid_argument("hyperparameters must be numbers, which stay the same");
    }
    Data<T>* const v = validation ? std::get<std::unique_ptr<Data<T>>>(validation->data).get() : nullptr;
    std::vector<Lap> laps;
    Outcome outcome{};
    std::string lost;
    const auto tell = [&] {
      for (const Lap& lap : laps) {
        py::dict known;
        known["sums"] = d.sums(lap.totals);
        known["seconds"] = lap.seconds;
        known["validation"] = lap.validation ? py::object(v->sums(*lap.validation)) : py::none();
        known["whole"] = lap.whole;
        finished.append(known);
      }
    };
    try {
      run(*self.network, d.python, py::none(), [&](const Poll& polled) {
        std::optional<Validation<T>> judged;
        if (v) {
          judged.emplace(Validation<T>{v->x, v->objective, v->samples, v->batch_size, every});
        }
        outcome = fastopt::train<T>(network, state,
                                    {.each = {.x = d.x,
                                              .objective = d.objective,
                                              .hyper = series,
                                              .samples = d.samples,
                                              .batch_size = d.batch_size,
                                              .first_batch = 0,
                                              .batches = d.batches(),
                                              .poll = polled},
                                     .number = number,
                                     .count = count,
                                     .shuffle = shuffle,
                                     .seed = seed,
                                     .stream = stream,
                                     .validation = judged},
                                    laps, d.totals, lost);
      });
    } catch (...) {
      tell();
      throw;
    }
    tell();
    raise_failure(d, state, outcome, lost);
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
                                  .samples = d.samples,
                                  .batch_size = d.batch_size,
                                  .first_batch = d.done,
                                  .batches = batches,
                                  .iterations = iterations,
                                  .anew = anew,
                                  .whole = whole,
                                  .poll = polled,
                                  .others = d.with()},
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
    run(*self.network, d.python, poll, [&](const Poll& polled) {
      fastopt::evaluate<T>(network, d.x, d.samples, d.objective, d.batch_size, polled, d.totals);
    });
    return d.sums();
  });
}

}  // namespace

void add_epoch(py::module_& module) {
  const py::object none = py::none();
  py::class_<PyGoal, std::shared_ptr<PyGoal>>(module, "Goal")
      .def(py::init(&make_goal), py::arg("loss"), py::arg("metrics") = std::vector<std::string>(),
           py::arg("hyper") = std::map<std::string, double>(), py::arg("factor") = 1.0, py::arg("function") = none);
  py::class_<PyEpoch, std::shared_ptr<PyEpoch>> epoch(module, "Epoch");
  epoch
      .def(py::init(&make_epoch), py::arg("network"), py::arg("goals"), py::arg("x"), py::arg("y"),
           py::arg("sample_weight") = none, py::arg("order") = none, py::arg("batch_size") = 32,
           py::arg("after") = none)
      .def(
          "start",
          [](PyEpoch& self, Index batch_size, const py::object& order) {
            self.visit([&](auto&, auto& data) { data.start(batch_size, order); });
          },
          py::arg("batch_size") = 32, py::arg("order") = none)
      .def(
          "augment",
          [](PyEpoch& self, const std::vector<std::shared_ptr<PyAugmentation>>& how, std::uint64_t seed,
             std::uint64_t number,
             std::uint64_t first) { self.visit([&](auto&, auto& data) { data.change(how, seed, number, first); }); },
          py::arg("how"), py::arg("seed"), py::arg("epoch"), py::arg("first"))
      // The rest is with other processes, which `exchange` tells what is found: its methods `gather(values)`, of each
      // shard, `agree(values, stops)`, `unite(sums, total)`, `unite_all` and `spread(values)` change the arrays and
      // return whether to go on, as does `meet(what, stops, interruptible)`; `memory(blocks, size, dtype)` is for sums,
      // or None, `common()` for parameters, with the sums (first, count, values) of all blocks, or None; `own(size)` is
      // the part of a total that is found here.
      .def(
          "share",
          [](PyEpoch& self, const py::object& shards, Index first, Index count, bool joins,
             const py::object& exchange) {
            self.visit([&](auto& network, auto& data) { data.share(network, shards, first, count, joins, exchange); });
          },
          py::arg("shards"), py::kw_only(), py::arg("first"), py::arg("count"), py::arg("joins"), py::arg("exchange"))
      .def("train", &train, py::arg("optimizer"), py::arg("hyper"), py::arg("batches") = none, py::arg("poll") = none,
           py::arg("ends_epoch") = false)
      .def("train_epochs", &train_epochs, py::arg("optimizer"), py::arg("hyper"), py::arg("finished"), py::kw_only(),
           py::arg("number"), py::arg("count"), py::arg("shuffle"), py::arg("seed"), py::arg("stream"),
           py::arg("validation") = std::shared_ptr<PyEpoch>(), py::arg("every") = 1)
      .def("solve", &solve, py::arg("minimizer"), py::kw_only(), py::arg("iterations"), py::arg("batches"),
           py::arg("anew"), py::arg("whole") = false, py::arg("poll") = none)
      .def("evaluate", &evaluate, py::arg("poll") = none);
  add_full_batch(epoch);
  module.def("train_on_batch", &train_on_batch, py::arg("optimizer"), py::arg("goals"), py::arg("x"), py::arg("y"),
             py::arg("sample_weight"), py::arg("hyper"));
}

}  // namespace fastopt::bindings
