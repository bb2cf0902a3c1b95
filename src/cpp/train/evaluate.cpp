#include "train/evaluate.h"

#include <algorithm>

namespace fastopt {

template <class T>
void evaluate(Network<T>& network, std::span<const Samples> x, const Batch& samples, const Objective<T>& objective,
              Index batch_size, const Poll& poll, Totals& totals) {
  const Index rows = samples.rows;
  batch_size = std::min(batch_size, rows);
  network.inference.reserve(network.plan, {}, {.rows = batch_size, .metrics = objective.metrics()});
  totals.reserve(objective);
  Watch watch(poll);
  Pass<T> pass = network.pass(
      network.inference, {.ends = Task::Ends::objective, .asks = objective.asks(), .splits = objective.splits}, watch);
  pass.x = x;
  pass.objective = &objective;
  bool stop = false;  // written by rank 0 between the two barriers of a batch, so that all ranks see the same
  run_team(threads_for(network.plan.cost() * static_cast<double>(batch_size)), true, [&](const Team& team) {
    measure_parameters(team, network.plan, pass.parameters, network.inference.penalties);
    Pass<T> mine = pass;
    Runner<T> runner(team, mine);
    runner.prepare();
    team.barrier();
    for (Index first = 0; first < rows && !stop; first += batch_size) {
      mine.batch = samples.part(first, std::min(batch_size, rows - first));
      runner.run();
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
}

template void evaluate(Network<float>&, std::span<const Samples>, const Batch&, const Objective<float>&, Index,
                       const Poll&, Totals&);
template void evaluate(Network<double>&, std::span<const Samples>, const Batch&, const Objective<double>&, Index,
                       const Poll&, Totals&);

}  // namespace fastopt
