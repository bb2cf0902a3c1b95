#include "nn/objective.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "kernels/reduce/args.h"
#include "nn/along.h"

namespace fastopt {

namespace {

template <class T>
void judge_output(const Plan<T>& plan, Memory<T>& memory, const Objective<T>& objective, std::size_t number,
                  const Batch& batch, Range rows, bool backward, Index samples, bool linearized) {
  const Goal<T>& goal = objective.goals[number];
  const Index source = memory.wiring().outputs[number];
  const auto& level = memory.arena().levels[static_cast<std::size_t>(source)];
  const auto& output = memory.arena().outputs[number];
  const Index columns = plan.columns(source);
  const int activation = plan.node(source).activation;
  const bool branches = output.branch.data, split = goal.logits && objective.splits_at(source);
  const Rows<T> y = (split ? output.other : level.y).from(rows.begin);
  const Rows<T> dy = (branches ? output.branch : level.dy).from(rows.begin);
  const bool differentiates = backward && !goal.logits && !branches && activation != linear;
  if (goal.ask) {
    if (differentiates) {
      activation_kernel<T>(activation).differentiate(y, dy, dy, rows.size(), columns);
    }
    return;
  }
  // Without an index the batch begins at its first sample, with one at the index's first entry.
  const Index begin = batch.first + rows.begin;
  const Targets<T> target = Targets<T>{goal.labels, goal.dense, batch.index}.from(begin, columns);
  const T* weight = objective.weight && !batch.index ? objective.weight + begin : objective.weight;
  const Loss<T> loss{.rows = rows.size(),
                     .columns = columns,
                     .prediction = y,
                     .target = target,
                     .weight = weight,
                     .hyper = goal.hyper,
                     .scale = static_cast<T>(goal.factor) * (T(1) / static_cast<T>(samples)),
                     .gradient = backward ? dy : Rows<T>{},
                     .loss = output.loss + rows.begin};
  loss_kernel<T>(goal.loss).rows(loss);
  if (const Index along = memory.arena().along; along > 0) {
    const Rows<T> s = y.from(along);
    loss_kernel<T>(goal.loss).curvature({.of = loss, .s = s, .product = dy.from(along)});
    for (Index i = 0; linearized && i < rows.size(); ++i) {
      std::fill_n(dy.row(i), columns, T(0));
    }
    if (differentiates) {
      differentiate_twice<T>(activation, y, dy, dy, along, rows.size(), columns);
    }
  } else if (differentiates) {
    activation_kernel<T>(activation).differentiate(y, dy, dy, rows.size(), columns);
  }
  bool activated = split;
  for (std::size_t i = 0; i < goal.metrics.size(); ++i) {
    const MetricChoice& choice = goal.metrics[i];
    Rows<T> prediction = y;
    if (goal.logits && !metric_kernel<T>(choice.metric).logits) {
      prediction = (split ? level.y : output.other).from(rows.begin);
      if (!activated) {
        activation_kernel<T>(activation).activate(y, prediction, rows.size(), columns);
        activated = true;
      }
    }
    metric_kernel<T>(choice.metric)
        .rows({.rows = rows.size(),
               .columns = columns,
               .prediction = prediction,
               .target = target,
               .k = choice.k,
               .value = output.metrics[i] + rows.begin});
  }
}

// Whether more than one output or input of a node has the values of a node. Counted, for a wiring would take longer
// than all else that a batch of a few rows needs.
template <class T>
bool used_elsewhere(const Plan<T>& plan, Index source) {
  Index uses = 0;
  const auto count = [&](const std::vector<Index>& nodes) {
    uses += std::ranges::count_if(nodes, [&](Index node) { return plan.source(node, {}) == source; });
  };
  count(plan.outputs);
  for (const Node<T>& node : plan.nodes) {
    if (node.computes({})) {
      count(node.inputs);
    }
  }
  return uses > 1;
}

template <class T>
void check_output(const Plan<T>& plan, Index source, Goal<T>& goal) {
  if (goal.ask) {
    return;
  }
  const LossKernel<T>& loss = loss_kernel<T>(goal.loss);
  const int activation = plan.node(source).activation;
  const std::string_view last = activation_kernel(activation).name;
  if (!loss.activation.empty() && last != "linear" && last != loss.activation) {
    throw std::invalid_argument(std::string(loss.name) + " needs a last layer with activation '" +
                                std::string(loss.activation) + "' or 'linear', not '" + std::string(last) + "'");
  }
  goal.logits = last == loss.activation;
  // Kernels count classes in elements of type T.
  constexpr Index classes = Index{1} << std::numeric_limits<T>::digits;
  const Index columns = plan.columns(source);
  if (columns > classes && (loss.labels() || !goal.metrics.empty())) {
    throw std::invalid_argument("labels and metrics of this dtype need at most " + std::to_string(classes) +
                                " outputs, not " + std::to_string(columns));
  }
  for (const MetricChoice& choice : goal.metrics) {
    const MetricKernel<T>& metric = metric_kernel<T>(choice.metric);
    const bool of_bits = metric.target == TargetKind::bit;  // reads logits, as the loss of such targets does
    if (metric.labels() != loss.labels() || (of_bits && loss.target != metric.target)) {
      throw std::invalid_argument("metric " + std::string(metric.name) + " does not go with the loss " +
                                  std::string(loss.name));
    }
  }
}

}  // namespace

template <class T>
std::vector<std::size_t> Objective<T>::metrics() const {
  std::vector<std::size_t> counts;
  counts.reserve(goals.size());
  for (const Goal<T>& goal : goals) {
    counts.push_back(goal.metrics.size());
  }
  return counts;
}

template <class T>
bool Objective<T>::asks() const {
  return std::ranges::any_of(goals, [](const Goal<T>& goal) { return static_cast<bool>(goal.ask); });
}

template <class T>
bool Objective<T>::splits_at(Index node) const {
  return std::ranges::find(splits, node) != splits.end();
}

template <class T>
void check(const Plan<T>& plan, Objective<T>& objective) {
  if (objective.goals.size() != plan.outputs.size()) {
    throw std::invalid_argument("a network of " + std::to_string(plan.outputs.size()) +
                                " outputs needs as many losses, not " + std::to_string(objective.goals.size()));
  }
  objective.splits.clear();
  for (std::size_t i = 0; i < objective.goals.size(); ++i) {
    const Index source = plan.source(plan.outputs[i], {});
    check_output(plan, source, objective.goals[i]);
    if (objective.goals[i].logits && used_elsewhere(plan, source) && !objective.splits_at(source)) {
      objective.splits.push_back(source);
    }
  }
}

template <class T>
bool ask(const Plan<T>& plan, Memory<T>& memory, const Objective<T>& objective, const Batch& batch, bool backward,
         Index samples) {
  const Arena<T>& arena = memory.arena();
  for (std::size_t i = 0; i < objective.goals.size(); ++i) {
    const Index source = memory.wiring().outputs[i];
    const auto& level = arena.levels[static_cast<std::size_t>(source)];
    const auto& output = arena.outputs[i];
    const Rows<T> gradient = output.branch.data ? output.branch : level.dy;
    if (objective.goals[i].ask && !objective.goals[i].ask({.batch = batch,
                                                           .samples = samples,
                                                           .columns = plan.columns(source),
                                                           .outputs = level.y,
                                                           .gradient = backward ? gradient : Rows<T>{},
                                                           .loss = output.loss,
                                                           .metrics = output.metrics})) {
      return false;
    }
  }
  return true;
}

template <class T>
void judge(const Plan<T>& plan, Memory<T>& memory, const Objective<T>& objective, const Batch& batch, Range rows,
           bool backward, Index samples, bool linearized) {
  for (std::size_t i = 0; i < objective.goals.size(); ++i) {
    judge_output(plan, memory, objective, i, batch, rows, backward, samples, linearized);
  }
}

template <class T>
void add(const Arena<T>& arena, const Batch& batch, const Objective<T>& objective, double penalty, Totals& totals,
         Index first) {
  const auto weight_of = [&](Index row) {
    return static_cast<double>(objective.weight[batch.index ? batch.index[row] : batch.first + row]);
  };
  const auto total = [&](const T* values) {
    values += first;
    if (!objective.weight) {
      return kernels<T>().reduce.sum(values, batch.rows);
    }
    double sum = 0;
    for (Index i = 0; i < batch.rows; ++i) {
      sum += static_cast<double>(values[i]) * weight_of(i);
    }
    return sum;
  };
  totals.batches += 1;
  totals.samples += batch.rows;
  double loss = 0;
  std::size_t next = 0;
  for (std::size_t output = 0; output < objective.goals.size(); ++output) {
    const Goal<T>& goal = objective.goals[output];
    const double sum = total(arena.outputs[output].loss);
    totals.losses[output] += sum;
    loss += goal.factor * sum;
    for (std::size_t i = 0; i < goal.metrics.size(); ++i) {
      totals.metrics[next++] += total(arena.outputs[output].metrics[i]);
    }
  }
  totals.loss += loss + penalty;
  if (objective.weight) {
    for (Index i = 0; i < batch.rows; ++i) {
      totals.weight += weight_of(i);
    }
  } else {
    totals.weight += static_cast<double>(batch.rows);
  }
}

template struct Objective<float>;
template struct Objective<double>;
template void check(const Plan<float>&, Objective<float>&);
template void check(const Plan<double>&, Objective<double>&);
template bool ask(const Plan<float>&, Memory<float>&, const Objective<float>&, const Batch&, bool, Index);
template bool ask(const Plan<double>&, Memory<double>&, const Objective<double>&, const Batch&, bool, Index);
template void judge(const Plan<float>&, Memory<float>&, const Objective<float>&, const Batch&, Range, bool, Index,
                    bool);
template void judge(const Plan<double>&, Memory<double>&, const Objective<double>&, const Batch&, Range, bool, Index,
                    bool);
template void add(const Arena<float>&, const Batch&, const Objective<float>&, double, Totals&, Index);
template void add(const Arena<double>&, const Batch&, const Objective<double>&, double, Totals&, Index);

}  // namespace fastopt
