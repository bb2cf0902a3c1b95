#include "train/predict.h"

#include <algorithm>
#include <vector>

namespace fastopt {

template <class T>
void predict(Network<T>& network, std::span<const Samples> x, const Batch& samples, Index batch_size,
             std::span<T* const> outputs, const Poll& poll) {
  const Index rows = samples.rows;
  batch_size = std::min(batch_size, rows);
  network.inference.reserve(network.plan, {}, {.rows = batch_size});
  Watch watch(poll);
  Pass<T> pass = network.pass(network.inference, {.ends = Task::Ends::outputs}, watch);
  pass.x = x;
  run_team(threads_for(network.plan.cost() * static_cast<double>(rows), batch_size), true, [&](const Team& team) {
    Pass<T> mine = pass;
    // Each rank takes its share of all samples through its own rows of the arena: no rank has to wait for another.
    const Range share = team.split(rows), own = team.split(batch_size);
    std::vector<T*> to(outputs.size());
    mine.outputs = to;
    Runner<T> runner(team, mine, share.size() > own.size());
    runner.prepare();
    team.barrier();
    for (Index first = share.begin; first < share.end && !watch.stopped(); first += own.size()) {
      const Index place = first - own.begin;  // of the arena's first row among the samples
      mine.batch = samples.part(place, batch_size);
      for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = outputs[i] + (place - mine.batch.first) * network.plan.columns(network.plan.outputs[i]);
      }
      runner.run_rows({own.begin, own.begin + std::min(own.size(), share.end - first)});
      ++mine.done;
    }
  });
}

template void predict(Network<float>&, std::span<const Samples>, const Batch&, Index, std::span<float* const>,
                      const Poll&);
template void predict(Network<double>&, std::span<const Samples>, const Batch&, Index, std::span<double* const>,
                      const Poll&);

}  // namespace fastopt
