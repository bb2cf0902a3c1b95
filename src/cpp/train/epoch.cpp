#include "train/epoch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "ops/reduce.h"
#include "optim/sink.h"

namespace fastopt {

template <class T>
std::vector<Tensor<T>> tensors_of(Network<T>& network) {
  std::vector<Tensor<T>> tensors;
  for (const Node<T>& node : network.plan.nodes) {
    for (const TensorSpec& spec : node.layer.tensors) {
      if (spec.trained) {
        tensors.push_back({.size = spec.size,
                           .parameter = network.parameters.data() + spec.offset,
                           .gradient = network.gradients.data() + spec.offset});
      }
    }
  }
  return tensors;
}

template <class T>
void freeze(Network<T>& network, State<T>& optimizer) {
  auto tensor = optimizer.step().tensors().begin();
  for (std::size_t i = 0; i < network.plan.nodes.size(); ++i) {
    bool any = false, moves = false;
    for (const TensorSpec& spec : network.plan.nodes[i].layer.tensors) {
      if (spec.trained) {
        tensor->frozen = !network.trainable[i] || tensor->rate == 0;
        any = true;
        moves |= !tensor->frozen;
        ++tensor;
      }
    }
    network.freeze(i, network.trainable[i] && (moves || !any));
  }
}

template <class T>
Outcome train(Network<T>& network, State<T>& optimizer, const Epoch<T>& epoch, Totals& totals) {
  Step<T>& step = optimizer.step();
  const Others<T>* const others = epoch.others;
  const Index samples = epoch.samples.rows, rows = others ? others->most() : std::min(epoch.batch_size, samples);
  network.forward_rows = 0;
  freeze(network, optimizer);
  for (const Node<T>& node : network.plan.nodes) {
    if (node.layer.lazy && node.trainable && (node.shares || others || !step.by_rows())) {
      throw std::invalid_argument(
          "Embedding(lazy=True) moves the rows alone that a batch names: it is called once in a model, which one "
          "process trains, and takes a rule that treats each element by itself, with nothing around it but Clip by "
          "value, Decay and LayerRates");
    }
  }
  network.training.reserve(network.plan, {true, network.noise > 0},
                           {.rows = rows, .metrics = epoch.objective.metrics(), .gradients = true});
  totals.reserve(epoch.objective);
  Watch watch(epoch.poll);
  const Pass<T> pass = [&] {
    Pass<T> made = network.pass(network.training,
                                {.ends = Task::Ends::objective,
                                 .gradients = true,
                                 .asks = epoch.objective.asks(),
                                 .splits = epoch.objective.splits},
                                watch);
    made.x = epoch.x;
    made.augment = epoch.augment;
    made.objective = &epoch.objective;
    return made;
  }();
  // Between trainings the parameters are the average of a rule that has one.
  struct Trained {
    Step<T>& step;
    explicit Trained(Step<T>& s) : step(s) { step.put_average(false); }
    ~Trained() { step.put_average(true); }
  };
  const bool constrains = network.constrains();
  double row_cost = 3 * network.plan.cost();
  for (const Augment<T>& one : epoch.augment) {
    row_cost += one.how ? one.how->cost() : 0;
  }
  const double cost = row_cost * static_cast<double>(rows);
  // The parameters are updated while their gradients are in cache; nothing reads them before the step's last barrier.
  StepSink<T> sink(network.gradients.data(), optimizer);
  std::vector<double> hyper(epoch.hyper.size());
  // Where each gradient is taken twice: the state of layers that is not in use, and the totals without this batch and
  // at the second point.
  Buffer<T> state(step.spares() ? network.state.size() : 0);
  Totals before, above;
  Buffer<T> measured(others ? measured_size(network.plan, *others) : 0);
  std::vector<Totals> here(others ? static_cast<std::size_t>(others->count) : 0);
  // Each process then does its own part of the step, and gets the others' parameters instead of their gradients.
  const bool splits = others && optimizer.splits();
  // Or has them in common; those of the network stay as they were meanwhile, so nothing else may use them.
  const bool in_common =
      splits && epoch.batches > 0 && !constrains && network.training.penalties.empty() && !epoch.objective.asks();
  Union<T> unite(network, optimizer, others, watch, in_common);
  // Written by rank 0 where the others do not read it, with a barrier on either side.
  Outcome outcome = watch.stopped() ? Outcome::stopped : Outcome::finished;
  const auto spread = [&](T* values) {
    watch.ask([&] { return others->exchange->spread(values, network.plan.parameters); });
  };
  if (step.spares()) {
    before = above = totals;
  }
  Index done = 0;
  const Trained trained(step);
  while (done < epoch.batches && outcome == Outcome::finished) {
    const Index begin = done;
    // A team whose processors turn out to be contended gives way to another, perhaps of one thread, which tries a
    // larger one now and then.
    bool leave = false;
    const int threads = threads_for(cost);
    const auto steps = [&](const Team& team) {
      Pass<T> mine = pass;
      mine.parameters = unite.parameters();
      Shards shards{};
      Index place = 0;
      if (others) {
        place = others->before(epoch.first_batch + begin);
        mine.shards = &shards;
        mine.measured = measured.data();
        mine.exchange = others->exchange;
      }
      Runner<T> runner(team, mine);
      // What was found of the batch, unless it is to be left.
      const auto count = [&](Totals& sums) {
        if (!others) {
          if (!watch.stopped()) {
            add(network.training.arena(), mine.batch, epoch.objective, penalty(mine), sums);
          }
          return !watch.stopped();
        }
        for (Index i = 0; i < others->count; ++i) {
          Totals& shard = here[static_cast<std::size_t>(i)];
          const Range part = shards.of(i);
          shard = {};
          shard.reserve(epoch.objective);
          add(network.training.arena(), mine.batch.part(part.begin, part.size()), epoch.objective, penalty(mine, part),
              shard, part.begin);
        }
        watch.look(meeting_cost, mine.done);
        return agree(*others, shards, here, watch.stopped(), sums);
      };
      // False: training ends with the step before.
      const auto forward = [&](Totals& sums) {
        runner.prepare();
        team.barrier();
        runner.run();
        team.barrier();
        if (team.rank() == 0) {
          if (!count(sums)) {
            outcome = Outcome::stopped;
          } else if (!std::isfinite(sums.loss)) {
            outcome = Outcome::not_finite;
          }
        }
        team.barrier();
        return outcome == Outcome::finished;
      };
      // The gradient, part by part to the step; or the whole of it, of all processes, unless the run is to end.
      const auto differentiate = [&] {
        if (!others) {
          runner.differentiate(sink);
          return true;
        }
        unite(team, runner, mine, !splits);
        return !watch.stopped();
      };
      const auto undo_look_ahead = [&] {
        if (step.looks_ahead()) {
          step.undo_look_ahead(team);
        }
      };
      for (Index b = begin; b < epoch.batches; ++b) {
        if (others) {
          shards = others->of(epoch.first_batch + b);
          mine.batch = epoch.samples.part(place, shards.here());
          place += shards.here();
          mine.before = shards.before();
          mine.samples = shards.all();
        } else {
          const Index first = (epoch.first_batch + b) * epoch.batch_size;
          mine.batch = epoch.samples.part(first, std::min(epoch.batch_size, samples - first));
        }
        mine.done = b;
        mine.draws = pass.draws + b;
        if (team.rank() == 0) {
          for (std::size_t i = 0; i < hyper.size(); ++i) {
            hyper[i] = epoch.hyper[i].values[b * epoch.hyper[i].stride];
          }
          step.begin(hyper, mine.over());
          if (step.ascends()) {
            before = totals;
            std::copy_n(network.state.data(), state.size(), state.data());
          }
        }
        if (step.looks_ahead()) {
          team.barrier();
          step.look_ahead(team);
          team.barrier();
        }
        measure_parameters(team, network.plan, mine.parameters, network.training.penalties);
        if (!forward(totals)) {
          undo_look_ahead();
          return;
        }
        if (team.rank() == 0) {
          leave = threads > 1 ? team.contended() : threads_for(cost) > 1;
        }
        if (step.ascends()) {
          const bool known = differentiate();
          team.barrier();
          if (team.rank() == 0) {
            outcome = known ? outcome : Outcome::stopped;
            std::swap_ranges(state.data(), state.data() + state.size(), network.state.data());
          }
          step.ascend(team);
          team.barrier();
          if (!known || !forward(above)) {
            if (team.rank() == 0 && outcome == Outcome::stopped) {
              totals = before;
            }
            step.descend(team);
            undo_look_ahead();
            return;
          }
        }
        const bool known = differentiate();
        if (step.ascends()) {
          team.barrier();
          step.descend(team);
          if (team.rank() == 0) {  // the running statistics are those of the first pass
            std::copy_n(state.data(), state.size(), network.state.data());
          }
        }
        if (!known) {
          team.barrier();
          undo_look_ahead();
          if (team.rank() == 0) {
            outcome = Outcome::stopped;
          }
          return;
        }
        const bool accumulated = step.accumulates();
        if (splits) {
          team.barrier();
          const Range own = others->exchange->own, part = team.split(own.size(), alignment);
          for (Index first = part.begin; first < part.end; first += chunk_size) {
            const Range some{own.begin + first, own.begin + std::min(first + chunk_size, part.end)};
            unite.add(some);
            optimizer.part(some);
          }
          team.barrier();
          if (team.rank() == 0 && unite.in_common()) {
            watch.ask([&] { return others->exchange->meet("step", watch.stopped(), false); });
          } else if (team.rank() == 0 && !accumulated) {
            spread(network.parameters.data());
          }
        } else if (others || !step.elementwise()) {
          team.barrier();
          step.whole(team);
        }
        team.barrier();
        if (constrains && !accumulated) {
          constrain(team, network.plan, network.parameters.data());
          team.barrier();
        }
        if (team.rank() == 0) {
          step.end();
          ++network.draws;
          done = b + 1;
        }
        if (leave) {
          return;
        }
      }
    };
    run_team(threads, true, std::ref(steps));
  }
  if (splits && epoch.batches > 0) {
    std::ranges::for_each(optimizer.slots(0), spread);
  }
  return outcome;
}

template <class T>
std::string spoilt(const Network<T>& network, const State<T>& optimizer, bool with_slots) {
  if (!ops::finite(network.parameters)) {
    return "parameters";
  }
  if (!ops::finite(network.state)) {
    return "running statistics";
  }
  for (std::size_t i = 0; with_slots && i < optimizer.buffers().size(); ++i) {
    if (!ops::finite(optimizer.buffers()[i])) {
      return "values of the optimizer's slot '" + std::string(optimizer.slot_names()[i]) + "'";
    }
  }
  return "";
}

template std::string spoilt(const Network<float>&, const State<float>&, bool);
template std::string spoilt(const Network<double>&, const State<double>&, bool);
template Outcome train(Network<float>&, State<float>&, const Epoch<float>&, Totals&);
template Outcome train(Network<double>&, State<double>&, const Epoch<double>&, Totals&);
template void freeze(Network<float>&, State<float>&);
template void freeze(Network<double>&, State<double>&);
template std::vector<Tensor<float>> tensors_of(Network<float>&);
template std::vector<Tensor<double>> tensors_of(Network<double>&);

}  // namespace fastopt
