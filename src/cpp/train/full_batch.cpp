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

// What the parameters cost, whose gradient is added.
template <class T>
double add_penalties(const Plan<T>& plan, const T* parameters, T* spare, std::span<double> gradient) {
  std::vector<double> costs(
      static_cast<std::size_t>(for_each_penalized(plan, [&](const TensorSpec& tensor, Index, Index) {
        T* const part = spare + tensor.offset;
        tensor.penalty.template differentiate<T>(parameters + tensor.offset, nullptr, 1, part, tensor.size);
        for (Index i = 0; i < tensor.size; ++i) {
          gradient[static_cast<std::size_t>(tensor.offset + i)] += static_cast<double>(part[i]);
        }
      })));
  measure_parameters(Team(0, 1, nullptr), plan, parameters, costs);
  return std::accumulate(costs.begin(), costs.end(), 0.0);
}

}  // namespace

template <class T>
double cost_and_gradient(Network<T>& network, std::span<const Samples> x, const Objective<T>& objective,
                         const T* parameters, std::span<double> gradient, bool whole, const Poll& poll) {
  const Index samples = x.front().rows, rows = whole ? samples : std::min(chunk_rows(network.plan), samples);
  network.inference.reserve(network.plan, {}, {.rows = rows, .metrics = objective.metrics(), .gradients = true});
  Watch watch(poll);
  const Task task{
      .ends = Task::Ends::objective, .gradients = true, .asks = objective.asks(), .splits = objective.splits};
  Pass<T> pass = network.pass(network.inference, task, watch);
  network.inference.penalties.clear();  // they are added once, not with each chunk
  pass.parameters = parameters;
  pass.x = x;
  pass.objective = &objective;
  pass.samples = samples;
  Buffer<T> part(network.parameters.size());
  AccumulateSink<T> sink(part.data(), gradient, watch, 2 * static_cast<double>(rows));
  Totals totals;
  totals.reserve(objective);
  std::ranges::fill(gradient, 0.0);
  bool stop = false;  // written by rank 0 between two barriers, so that all ranks see the same
  run_team(threads_for(3 * network.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Pass<T> mine = pass;
    Runner<T> runner(team, mine);
    runner.prepare();
    team.barrier();
    for (Index first = 0; first < samples && !stop; first += rows) {
      mine.batch = {std::min(rows, samples - first), nullptr, first};
      runner.run();
      team.barrier();
      runner.differentiate(sink);
      ++mine.done;
      team.barrier();
      if (team.rank() == 0) {
        stop = watch.stopped();
        if (!stop) {
          add(network.inference.arena(), mine.batch, objective, penalty(mine), totals);
        }
      }
      team.barrier();
    }
  });
  return totals.loss / static_cast<double>(samples) + add_penalties(network.plan, parameters, part.data(), gradient);
}

template double cost_and_gradient(Network<float>&, std::span<const Samples>, const Objective<float>&, const float*,
                                  std::span<double>, bool, const Poll&);
template double cost_and_gradient(Network<double>&, std::span<const Samples>, const Objective<double>&, const double*,
                                  std::span<double>, bool, const Poll&);

}  // namespace fastopt
