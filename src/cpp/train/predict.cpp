#include "train/predict.h"

#include <algorithm>

namespace fastopt {

template <class T>
void predict(Network<T>& network, std::span<const Samples> x, Index batch_size, std::span<T* const> outputs,
             const Poll& poll) {
  const Index rows = x.front().rows;
  batch_size = std::min(batch_size, rows);
  network.inference.reserve(network.plan, {}, {.rows = batch_size});
  Watch watch(poll);
  Pass<T> pass = network.pass(network.inference, {.ends = Task::Ends::outputs}, watch);
  pass.x = x;
  pass.outputs = outputs;
  run_team(threads_for(network.plan.cost() * static_cast<double>(rows), batch_size), true, [&](const Team& team) {
    Pass<T> mine = pass;
    // Each rank takes its share of all samples through its own rows of the arena: no rank has to wait for another.
    const Range samples = team.split(rows), own = team.split(batch_size);
    Runner<T> runner(team, mine, samples.size() > own.size());
    runner.prepare();
    team.barrier();
    for (Index first = samples.begin; first < samples.end && !watch.stopped(); first += own.size()) {
      mine.batch = {batch_size, nullptr, first - own.begin};
      runner.run_rows({own.begin, own.begin + std::min(own.size(), samples.end - first)});
      ++mine.done;
    }
  });
}

template void predict(Network<float>&, std::span<const Samples>, Index, std::span<float* const>, const Poll&);
template void predict(Network<double>&, std::span<const Samples>, Index, std::span<double* const>, const Poll&);

}  // namespace fastopt
