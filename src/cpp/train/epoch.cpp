#include "train/epoch.h"

#include <algorithm>
#include <cmath>

namespace fastopt {

template <class T>
std::vector<Tensor<T>> tensors_of(Network<T>& network) {
  std::vector<Tensor<T>> tensors;
  for (const auto& layer : network.layers()) {
    for (const TensorSpec& spec : layer->tensors()) {
      if (spec.trained) {
        tensors.push_back({.size = spec.size,
                           .parameter = network.parameters() + spec.offset,
                           .gradient = network.gradients() + spec.offset});
      }
    }
  }
  return tensors;
}

template <class T>
Outcome train(Network<T>& network, State<T>& optimizer, const Run<T>& run, Totals& totals) {
  Step<T>& step = optimizer.step();
  const Index rows = std::min(run.batch_size, run.x.rows);
  network.reserve(rows, run.objective);
  totals.metrics.resize(run.objective.metrics.size());
  Watch watch(run.poll);
  // Written by rank 0 where the others do not read it, with a barrier on either side.
  Outcome outcome = Outcome::finished;
  std::vector<double> hyper(run.hyper.size());
  bool by_parts = true;
  // The parameters are updated while their gradients are in cache; nothing reads them before the step's last barrier.
  const PartDone update_part = [&](Range part) {
    if (by_parts) {
      const std::vector<Index>& offsets = optimizer.offsets();
      const auto tensor = static_cast<std::size_t>(std::ranges::upper_bound(offsets, part.begin) - offsets.begin() - 1);
      step.part(tensor, {part.begin - offsets[tensor], part.end - offsets[tensor]});
    }
    return true;
  };
  Index done = 0;
  while (done < run.batches && outcome == Outcome::finished) {
    const Index begin = done;
    // A team that turns out to be crowded gives way to another, perhaps of one thread, which tries a larger one now and
    // then.
    bool leave = false;
    const int threads = threads_for(network.step_cost(rows));
    run_team(threads, true, [&](const Team& team) {
      for (Index b = begin; b < run.batches; ++b) {
        const Index first = (run.first_batch + b) * run.batch_size;
        Batch batch{std::min(run.batch_size, run.x.rows - first)};
        if (run.order) {
          batch.index = run.order + first;
        } else {
          batch.first = first;
        }
        if (team.rank() == 0) {
          for (std::size_t i = 0; i < hyper.size(); ++i) {
            hyper[i] = run.hyper[i].values[b * run.hyper[i].stride];
          }
          step.begin(hyper);
          by_parts = step.by_parts();
        }
        if (step.looks_ahead()) {
          team.barrier();
          step.look_ahead(team);
          team.barrier();
        }
        network.pass(team, run.x, batch, run.objective, watch, b);
        if (team.rank() == 0) {
          if (watch.stopped()) {
            outcome = Outcome::stopped;
          } else {
            network.add_totals(batch, run.objective, totals);
            if (!std::isfinite(totals.loss)) {
              outcome = Outcome::not_finite;
            }
          }
          leave = threads > 1 ? team.crowded() : threads_for(network.step_cost(rows)) > 1;
        }
        team.barrier();
        if (outcome != Outcome::finished) {
          if (step.looks_ahead()) {
            step.undo_look_ahead(team);
          }
          return;
        }
        network.backward_parameters(team, run.x, batch, update_part);
        if (!by_parts) {
          team.barrier();
          step.whole(team);
        }
        const bool constrains = network.constrained() && !step.holds();
        team.barrier();
        if (constrains) {
          network.constrain(team);
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
    });
  }
  return outcome;
}

template Outcome train(Network<float>&, State<float>&, const Run<float>&, Totals&);
template Outcome train(Network<double>&, State<double>&, const Run<double>&, Totals&);
template std::vector<Tensor<float>> tensors_of(Network<float>&);
template std::vector<Tensor<double>> tensors_of(Network<double>&);

}  // namespace fastopt
