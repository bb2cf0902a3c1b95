#include "train/full_batch.h"

#include <algorithm>
#include <functional>
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
              Mode mode, bool whole, Watch& watch, const Others<T>* others)
    : batch(samples),
      network_(network),
      memory_(mode.training ? network.training : network.inference),
      x_(x),
      all_(samples.rows),
      objective_(objective),
      mode_(mode),
      whole_(whole || measures_rows(network.plan, mode)),
      watch_(watch),
      others_(others),
      part_(network.parameters.size()),
      curvature_(network, x, objective) {}

template <class T>
std::optional<double> Cost<T>::operator()(const T* parameters, T* state, std::span<double> gradient) {
  const bool back = !gradient.empty();
  const Shards shards = others_ ? others_->of(number) : Shards{};
  const Index samples = others_ ? shards.all() : batch.rows;
  const Index rows = whole_ ? batch.rows : std::min(chunk_rows(network_.plan), batch.rows);
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
  // Each shard has sums of its own; where nobody else has samples, all of them are one.
  const Index parts = others_ ? others_->count : 1;
  const auto part_of = [&](Index i) { return others_ ? shards.of(i) : Range{0, samples}; };
  std::vector<std::vector<double>> sums(others_ && back ? static_cast<std::size_t>(parts) : 0,
                                        std::vector<double>(gradient.size()));
  std::vector<Totals> found(static_cast<std::size_t>(parts));
  for (Totals& totals : found) {
    totals.reserve(objective_);
  }
  std::ranges::fill(gradient, 0.0);
  Buffer<T> measured(others_ ? measured_size(network_.plan, *others_) : 0);
  if (others_) {
    pass.shards = &shards;
    pass.measured = measured.data();
    pass.exchange = others_->exchange;
  }
  bool stop = false;  // written by rank 0 between two barriers, so that all ranks see the same
  run_team(threads_for((back ? 3 : 1) * network_.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Pass<T> mine = pass;
    Runner<T> runner(team, mine);
    runner.prepare();
    team.barrier();
    for (Index first = 0, last = 0; first < batch.rows && !stop; first = last) {
      const auto holds = [&](Index i) { return part_of(i).begin <= first && first < part_of(i).end; };
      Index part = 0;
      while (!holds(part)) {
        ++part;
      }
      last = std::min(first + rows, whole_ ? batch.rows : part_of(part).end);
      mine.before = (others_ ? shards.before() : 0) + first;
      mine.batch = batch.part(first, last - first);
      runner.run();
      team.barrier();
      for (; part < parts && part_of(part).begin < last; ++part) {
        const Range of_part{std::max(part_of(part).begin, first) - first, std::min(part_of(part).end, last) - first};
        if (back) {
          AccumulateSink<T> sink(part_.data(), others_ ? std::span(sums[static_cast<std::size_t>(part)]) : gradient,
                                 watch_, 2 * static_cast<double>(rows));
          runner.differentiate(sink, of_part);
          team.barrier();
        }
        if (team.rank() == 0) {
          stop = watch_.stopped();
          if (!stop) {
            add(memory_.arena(), mine.batch.part(of_part.begin, of_part.size()), objective_, penalty(mine, of_part),
                found[static_cast<std::size_t>(part)], of_part.begin);
          }
        }
        team.barrier();
      }
    }
  });
  totals_ = {};
  totals_.reserve(objective_);
  if (others_) {
    stop = !unite(shards, found, sums, gradient);
  } else {
    totals_ = found.front();
  }
  if (stop) {
    return std::nullopt;
  }
  const double cost = totals_.loss / static_cast<double>(samples), penalized = penalties(parameters, gradient);
  totals_.loss += static_cast<double>(samples) * penalized;
  return cost + penalized;
}

// What all processes have found, from that of the shards here; false where the run is to end.
template <class T>
bool Cost<T>::unite(const Shards& shards, std::span<Totals> here, std::vector<std::vector<double>>& sums,
                    std::span<double> gradient) {
  if (!agree(*others_, shards, here, watch_.stopped(), totals_)) {
    return false;
  }
  if (gradient.empty()) {
    return true;
  }
  const std::size_t size = gradient.size();
  std::vector<double> known(static_cast<std::size_t>(Blocks::most(others_->first, others_->count)) * size);
  const auto sum = [&](Index place) { return known.begin() + place * std::ssize(gradient); };
  const auto add = [&](auto from, Index to) {
    std::transform(from, from + std::ssize(gradient), sum(to), sum(to), std::plus<>());
  };
  Blocks blocks;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (blocks.push(others_->first + static_cast<Index>(i))) {
      add(sums[i].begin(), blocks.count() - 1);
    } else {
      std::ranges::copy(sums[i], sum(blocks.count() - 1));
    }
    while (blocks.join()) {
      add(sum(blocks.count()), blocks.count() - 1);
    }
  }
  return others_->exchange->unite_doubles(known.data(), blocks.count(), std::ssize(gradient), gradient.data());
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
