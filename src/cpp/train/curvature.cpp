#include "train/curvature.h"

#include "train/chunks.h"

namespace fastopt {

template <class T>
bool multiply_curvature(Network<T>& network, std::span<const Samples> x, const Batch& samples,
                        const Objective<T>& objective, Curvature which, const T* parameters, const T* direction,
                        std::span<double> product, Watch& watch) {
  const Index rows = std::min(chunk_rows(network.plan), samples.rows);
  network.curvature.reserve(network.plan, {.along = true},
                            {.rows = rows, .metrics = objective.metrics(), .gradients = true});
  Pass<T> pass = network.pass(network.curvature,
                              {.ends = Task::Ends::objective, .gradients = true, .splits = objective.splits}, watch);
  network.curvature.penalties.clear();  // they are added once, not with each chunk
  pass.parameters = parameters;
  pass.direction = direction;
  pass.linearized = which == Curvature::gauss_newton;
  pass.x = x;
  pass.objective = &objective;
  pass.samples = samples.rows;
  Buffer<T> part(network.parameters.size());
  AccumulateSink<T> sink(part.data(), product, watch, 4 * static_cast<double>(rows));
  std::ranges::fill(product, 0.0);
  bool stop = false;  // written by rank 0 between two barriers, so that all ranks see the same
  run_team(threads_for(8 * network.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Pass<T> mine = pass;
    Runner<T> runner(team, mine);
    runner.prepare();
    team.barrier();
    for (Index first = 0; first < samples.rows && !stop; first += rows) {
      mine.batch = {.rows = std::min(rows, samples.rows - first),
                    .index = samples.index ? samples.index + first : nullptr,
                    .first = samples.index ? 0 : samples.first + first};
      runner.run();
      team.barrier();
      runner.differentiate(sink);
      team.barrier();
      if (team.rank() == 0) {
        stop = watch.stopped();
      }
      team.barrier();
    }
  });
  for_each_penalized(network.plan, [&](const TensorSpec& tensor, Index, Index) {
    T* const of_penalty = part.data() + tensor.offset;
    tensor.penalty.multiply_hessian(direction + tensor.offset, 1, of_penalty, tensor.size);
    for (Index i = 0; i < tensor.size; ++i) {
      product[static_cast<std::size_t>(tensor.offset + i)] += static_cast<double>(of_penalty[i]);
    }
  });
  return !stop;
}

template bool multiply_curvature(Network<float>&, std::span<const Samples>, const Batch&, const Objective<float>&,
                                 Curvature, const float*, const float*, std::span<double>, Watch&);
template bool multiply_curvature(Network<double>&, std::span<const Samples>, const Batch&, const Objective<double>&,
                                 Curvature, const double*, const double*, std::span<double>, Watch&);

}  // namespace fastopt
