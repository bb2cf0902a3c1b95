#include "nn/optimizer.h"

#include <algorithm>
#include <cmath>

#include "runtime/cpu.h"

namespace fastopt {

template <class T>
Optimizer<T>::Optimizer(int rule, Index size) : rule_(rule) {
  for (std::size_t i = 0; i < rules()[static_cast<std::size_t>(rule)].slots.size(); ++i) {
    slots_.emplace_back(size);
  }
}

template <class T>
void Optimizer<T>::update(Network<T>& network, const Coefficients& coefficients, Range part) {
  Update<T> u{.size = part.size(),
              .parameter = network.parameters() + part.begin,
              .gradient = network.gradients() + part.begin,
              .slots = {},
              .coefficients = coefficients};
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    u.slots[i] = slots_[i].data() + part.begin;
  }
  kernels<T>().update[static_cast<std::size_t>(rule_)](u);
}

template <class T>
void Optimizer<T>::apply(Network<T>& network, std::span<const double> hyper) {
  const Coefficients coefficients = rules()[static_cast<std::size_t>(rule_)].prepare(hyper.data(), step + 1);
  run_team(threads_for(10 * static_cast<double>(network.parameter_size())), true,
           [&](const Team& team) { update(network, coefficients, team.split(network.parameter_size(), alignment)); });
  ++step;
}

template <class T>
Outcome Optimizer<T>::train(Network<T>& network, const Run& run, Totals& totals) {
  const Index rows = std::min(run.batch_size, run.x.rows);
  network.reserve(rows, run.objective);
  totals.metrics.resize(run.objective.metrics.size());
  Watch watch(run.poll);
  // Written by rank 0 between the last two barriers of a step, and read by all after them.
  Outcome outcome = Outcome::finished;
  Coefficients coefficients{};
  std::array<double, max_hyper> hyper{};
  // The parameters are updated while their gradients are in cache; nothing reads them before the step's last barrier.
  const PartDone update_part = [&](Range part) {
    update(network, coefficients, part);
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
          for (std::size_t i = 0; i < run.hyper.size(); ++i) {
            hyper[i] = run.hyper[i].values[b * run.hyper[i].stride];
          }
          coefficients = rules()[static_cast<std::size_t>(rule_)].prepare(hyper.data(), step + 1 + b);
          leave = threads > 1 ? team.crowded() : threads_for(network.step_cost(rows)) > 1;
        }
        team.barrier();
        if (outcome != Outcome::finished) {
          return;
        }
        network.backward_parameters(team, run.x, batch, update_part);
        team.barrier();
        if (team.rank() == 0) {
          done = b + 1;
        }
        if (leave) {
          return;
        }
      }
    });
  }
  step += done;
  return outcome;
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace fastopt
