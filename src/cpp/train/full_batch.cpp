#include "train/full_batch.h"

#include <algorithm>
#include <numeric>

namespace fastopt {

namespace {

// Adds each part to the sums while it is in cache.
template <class T>
class AccumulateSink final : public Sink<T> {
 public:
  AccumulateSink(T* gradients, std::span<double> sums, Watch& watch, double cost)
      : Sink<T>(gradients), sums_(sums), store_(gradients, watch, cost) {}

  void take(const Team& team, Range part) override {
    for (Index i = part.begin; i < part.end; ++i) {
      sums_[static_cast<std::size_t>(i)] += static_cast<double>(this->gradients()[i]);
    }
    store_.take(team, part);
  }
  bool stopped() const override { return store_.stopped(); }

 private:
  std::span<double> sums_;
  StoreSink<T> store_;
};

// Rows of a chunk: its memory stays below 16 MB, but for networks too wide for that.
template <class T>
Index chunk_rows(const Plan<T>& plan) {
  Index bytes = 1;
  for (const Node<T>& node : plan.nodes) {
    bytes += 2 * padded_stride<T>(node.layer.outputs) * static_cast<Index>(sizeof(T)) + node.layer.saved;
  }
  return std::clamp((Index{1} << 24) / bytes, Index{256}, Index{4096});
}

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
Cost<T>::Cost(Network<T>& network, std::span<const Samples> x, const Objective<T>& objective, Mode mode, bool whole,
              Watch& watch)
    : batch{x.front().rows},
      network_(network),
      memory_(mode.training ? network.training : network.inference),
      x_(x),
      objective_(objective),
      mode_(mode),
      whole_(whole || measures_rows(network.plan, mode)),
      watch_(watch),
      part_(network.parameters.size()) {}

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
  pass.all = rows == x_.front().rows;
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
      mine.batch = {std::min(rows, samples - first)};
      if (batch.index) {
        mine.batch.index = batch.index + first;
      } else {
        mine.batch.first = batch.first + first;
      }
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
