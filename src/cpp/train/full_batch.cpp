#include "train/full_batch.h"

#include <algorithm>
#include <numeric>

#include "train/chunks.h"
#include "train/curvature.h"

namespace fastopt {

namespace {

// Whether a layer needs the values of all rows before it goes on with one.
template <class T>
bool measures_rows(const Plan<T>& plan, Mode mode) {
  return std::ranges::any_of(plan.nodes, [&](const Node<T>& node) {
    return std::ranges::any_of(node.phases(mode).forward,
                               [](const Phase<T>& phase) { return phase.over == Over::columns; });
  });
}

}  // namespace

template <class T>
Cost<T>::Cost(Network<T>& network, std::span<const Samples> x, const Batch& samples, const Objective<T>& objective,
              Mode mode, bool whole, Watch& watch)
    : batch(samples),
      network_(network),
      memory_(mode.training ? network.training : network.inference),
      x_(x),
      all_(samples.rows),
      objective_(objective),
      mode_(mode),
      whole_(whole || measures_rows(network.plan, mode)),
      watch_(watch),
      part_(network.parameters.size()),
      curvature_(network, x, objective) {}

template <class T>
std::optional<double> Cost<T>::operator()(const T* parameters, T* state, std::span<double> gradient) {
  const bool back = !gradient.empty();
  const Index samples = batch.rows, rows = whole_ ? samples : std::min(chunk_rows(network_.plan), samples);
  memory_.reserve(network_.plan, mode_, {.rows = rows, .metrics = objective_.metrics(), .gradients = true});
  Pass<T> pass = network_.pass(
      memory_,
      {.ends = Task::Ends::objective, .gradients = back, .asks = objective_.asks(), .splits = objective_.splits},
      watch_);
  memory_.penalties.clear();  // they are added once, not with each chunk
  pass.parameters = parameters;
  pass.state = state;
  pass.draws = draws;
  pass.done = done;
  pass.x = x_;
  pass.objective = &objective_;
  pass.samples = samples;
  pass.all = rows == all_;
  AccumulateSink<T> sink(part_.data(), gradient, watch_, 2 * static_cast<double>(rows));
  totals_ = {};
  totals_.reserve(objective_);
  std::ranges::fill(gradient, 0.0);
  bool stop = false;  // written by rank 0 between two barriers, so that all ranks see the same
  run_team(threads_for((back ? 3 : 1) * network_.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Pass<T> mine = pass;
    Runner<T> runner(team, mine);
    runner.prepare();
    team.barrier();
    for (Index first = 0; first < samples && !stop; first += rows) {
      mine.before = first;
      mine.batch = batch.part(first, std::min(rows, samples - first));
      runner.run();
      team.barrier();
      if (back) {
        runner.differentiate(sink);
        team.barrier();
      }
      if (team.rank() == 0) {
        stop = watch_.stopped();
        if (!stop) {
          add(memory_.arena(), mine.batch, objective_, penalty(mine), totals_);
        }
      }
      team.barrier();
    }
  });
  if (stop) {
    return std::nullopt;
  }
  const double cost = totals_.loss / static_cast<double>(samples), penalized = penalties(parameters, gradient);
  totals_.loss += static_cast<double>(samples) * penalized;
  return cost + penalized;
}

template <class T>
bool Cost<T>::multiply_hessian(const T* parameters, const T* direction, std::span<double> product) {
  return curvature_(batch, Curvature::hessian, parameters, direction, product, watch_);
}

// What the parameters cost, whose gradient is added.
template <class T>
double Cost<T>::penalties(const T* parameters, std::span<double> gradient) {
  std::vector<double> costs(
      static_cast<std::size_t>(for_each_penalized(network_.plan, [&](const TensorSpec& tensor, Index, Index) {
        if (gradient.empty()) {
          return;
        }
        T* const part = part_.data() + tensor.offset;
        tensor.penalty.template differentiate<T>(parameters + tensor.offset, nullptr, 1, part, tensor.size);
        for (Index i = 0; i < tensor.size; ++i) {
          gradient[static_cast<std::size_t>(tensor.offset + i)] += static_cast<double>(part[i]);
        }
      })));
  measure_parameters(Team(0, 1, nullptr), network_.plan, parameters, costs);
  return std::accumulate(costs.begin(), costs.end(), 0.0);
}

template class Cost<float>;
template class Cost<double>;

}  // namespace fastopt
