// Samples with targets as Python holds them, and how far a pass through them has come.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bindings/augment.h"
#include "bindings/network.h"
#include "bindings/target.h"
#include "kernels/reduce/args.h"
#include "ops/loss.h"
#include "ops/metric.h"
#include "train/curvature.h"
#include "train/others.h"

namespace fastopt::bindings {

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

using Goals = std::vector<std::shared_ptr<PyGoal>>;  // of each output

// Samples, and how far the present pass through them has come.
template <class T>
struct Data {
  std::vector<py::object> arrays;  // whose memory is read
  std::vector<Samples> x;
  std::vector<std::shared_ptr<PyAugmentation>> augmentations;  // of each input, some of them null; or none
  std::vector<Augment<T>> augment;
  Goals goals;
  Objective<T> objective;
  std::vector<std::vector<Index>> labels;  // of each output that has some
  std::vector<Index> order;                // both are copies: they are used as indices
  Index rows, batch_size = 0, done = 0;
  Batch samples;  // of the present pass, in its order
  Totals totals;
  PythonCalls python;
  std::optional<CurvatureProducts<T>> curvature;
  const PyGoal* not_finite = nullptr;  // the one whose gradient was not
  std::vector<Index> shard_rows;       // of each batch
  py::object told = py::none();        // what tells the other processes, and owns the memory that they read
  Exchange<T> exchange;
  std::optional<Others<T>> others;

  Data(const Network<T>& network, const py::object& given_x, const py::object& y, Goals given,
       const py::object& sample_weight)
      : arrays(several(given_x, static_cast<std::size_t>(network.plan.inputs), "x")),
        x(checked_samples(network, arrays)),
        goals(std::move(given)),
        rows(x.front().rows),
        samples{rows} {
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

  // Begins a pass through samples, some or all of them, in this order; or through all in their own.
  void start(Index size, const py::object& given_order) {
    check_batch_size(size);
    order = given_order.is_none() ? std::vector<Index>() : row_numbers(given_order, "order", rows);
    samples = order.empty() ? Batch{rows} : Batch{std::ssize(order), order.data()};
    others.reset();
    curvature.reset();
    batch_size = size;
    done = 0;
    totals = {};
    totals.reserve(objective);
  }

  // Decides how the samples of each input are changed in training, of which the first has this number.
  void change(std::vector<std::shared_ptr<PyAugmentation>> how, std::uint64_t seed, std::uint64_t epoch,
              std::uint64_t first) {
    if (how.size() != x.size()) {
      throw std::invalid_argument("augment must be a list of " + std::to_string(x.size()));
    }
    std::vector<Augment<T>> made;
    for (std::size_t i = 0; i < how.size(); ++i) {
      const Augmentation<T>* const one = how[i] ? std::get_if<Augmentation<T>>(&how[i]->augmentation) : nullptr;
      if (how[i] && (!one || one->columns() != x[i].columns)) {
        throw std::invalid_argument("the augmentation is for samples of another size or dtype");
      }
      if (one && x[i].sparse()) {
        throw std::invalid_argument("augment changes images; x is sparse");
      }
      made.push_back({one, {seed, epoch, first}});
    }
    augmentations = std::move(how);
    augment = std::move(made);
  }

  Index batches() const { return others ? others->batches() : (samples.rows - 1) / batch_size + 1; }
  const Others<T>* with() const { return others ? &*others : nullptr; }

  // Cuts the batches into shards, of which some are here: so many rows of each [batches, shards].
  void share(const Network<T>& network, const py::object& shards, Index first, Index count, bool joins,
             const py::object& tells) {
    const py::array array = checked<Index>(shards, "shards", {-1, -1});
    const Index all = array.shape(1);
    if (array.size() == 0 || first < 0 || count < 1 || first + count > all) {
      throw std::invalid_argument("there are no such shards");
    }
    const Index* const from = data<Index>(array);
    shard_rows.assign(from, from + array.size());
    if (std::ranges::any_of(shard_rows, [](Index n) { return n < 1; })) {
      throw std::invalid_argument("each shard of a batch must have at least one row");
    }
    Others<T> made{shard_rows, all, first, count, joins, &exchange};
    if (made.before(made.batches()) != samples.rows) {
      throw std::invalid_argument("the shards here have other rows than the pass");
    }
    told = tells;
    const auto tell = [this](const char* what, const auto&... arguments) {
      return python.call([&] { return told.attr(what)(arguments()...).template cast<bool>(); });
    };
    const auto matrix = []<class N>(Index n, Index columns, N* values) {
      return [=] { return py::array_t<N>({n, columns}, values, py::none()); };
    };
    exchange.gather = [=](T* values, Index size) { return tell("gather", matrix(all, size, values)); };
    exchange.agree = [=](double* values, Index size, bool stops) {
      return tell("agree", matrix(all, size, values), [=] { return py::bool_(stops); });
    };
    const auto unite = [=](const char* what) {
      return [=](auto* sums, Index blocks, Index size, auto* total) {
        return tell(what, matrix(blocks, size, sums), matrix(1, size, total));
      };
    };
    exchange.unite = unite("unite");
    exchange.unite_doubles = unite("unite_all");
    exchange.spread = [=](T* values, Index size) { return tell("spread", matrix(1, size, values)); };
    exchange.meet = [=](const char* what, bool stops, bool interruptible) {
      return tell(
          "meet", [=] { return py::str(what); }, [=] { return py::bool_(stops); },
          [=] { return py::bool_(interruptible); });
    };
    const Index size = network.plan.parameters;
    const py::object memory = told.attr("memory")(Blocks::most(first, count), size, py::dtype::of<T>());
    const auto values = [](const py::handle& shared) {
      return shared.is_none() ? nullptr : static_cast<T*>(shared.cast<py::array>().mutable_data());
    };
    exchange.sums = values(memory);
    exchange.common.reset();
    if (const py::object common = told.attr("common")(); !common.is_none()) {
      const auto [parameters, sums] =
          common.cast<std::pair<py::object, std::vector<std::tuple<Index, Index, py::object>>>>();
      exchange.common = {values(parameters), {}};
      for (const auto& [begin, count_of, sum] : sums) {
        exchange.common->sums.push_back({{begin, begin + count_of}, values(sum)});
      }
    }
    const auto own = told.attr("own")(size).template cast<std::pair<Index, Index>>();
    exchange.own = {own.first, own.second};
    others = made;
  }

  py::dict sums() const { return sums(totals); }

  py::dict sums(const Totals& of) const {
    // Kept for good: making these words takes as long as a small layer.
    static const std::array keys{word("batches"), word("samples"), word("weight"), word("loss")};
    py::dict result;
    result[keys[0]] = of.batches;
    result[keys[1]] = of.samples;
    result[keys[2]] = of.weight;
    result[keys[3]] = of.loss;
    std::size_t next = 0;
    for (std::size_t i = 0; i < goals.size(); ++i) {
      const std::string prefix = goals.size() == 1 ? "" : std::to_string(i) + "/";
      if (!prefix.empty()) {
        result[py::str(prefix + "loss")] = of.losses[i];
      }
      for (const std::string& metric : goals[i]->metric_names) {
        result[py::str(prefix + metric)] = of.metrics[next++];
      }
    }
    return result;
  }

 private:
  static py::handle word(const char* text) { return py::str(text).release(); }

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
    const py::object numbers =
        batch.index ? py::object(py::array_t<Index>(batch.rows, batch.index))
                    : py::object(py::slice(py::int_(batch.first), py::int_(batch.first + batch.rows), py::none()));
    const auto answer = goal.function(numbers, outputs, question.samples).template cast<py::tuple>();
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

inline constexpr const char* advice = ". A lower learning rate or scaled inputs may help";

// The cost of all samples, its gradient and its curvature, as methods of the class.
void add_full_batch(py::class_<PyEpoch, std::shared_ptr<PyEpoch>>& epoch);

}  // namespace fastopt::bindings
