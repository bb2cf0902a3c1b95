#include "train/solve.h"

#include <algorithm>

namespace fastopt {

using solvers::Ending;

namespace {

void add(const Totals& of, Totals& to) {
  to.batches += 1;
  to.samples += of.samples;
  to.weight += of.weight;
  to.loss += of.loss;
  for (std::size_t i = 0; i < of.losses.size(); ++i) {
    to.losses[i] += of.losses[i];
  }
  for (std::size_t i = 0; i < of.metrics.size(); ++i) {
    to.metrics[i] += of.metrics[i];
  }
}

template <class T>
bool has_noise(const Network<T>& network) {
  return network.noise > 0 &&
         std::ranges::any_of(network.plan.nodes, [](const Node<T>& node) { return node.layer.noise; });
}

}  // namespace

template <class T>
Solved solve(Network<T>& network, solvers::Minimizer& minimizer, const Solve<T>& task, Totals& totals) {
  network.forward_rows = 0;
  network.freeze();
  totals.reserve(task.objective);
  Watch watch(task.poll);
  Cost<T> cost(network, task.x, task.samples, task.objective, {true, network.noise > 0}, task.whole, watch,
               task.others);
  ModelProblem<T> problem(network, cost, watch);
  const Index samples = task.samples.rows;
  const bool several = task.others ? task.others->batches() > 1 : task.batch_size < samples, noise = has_noise(network);
  Solved solved;
  const auto finish = [&] {
    solved.spent = problem.spent;
    solved.gradient = minimizer.gradient_size(problem);
    return solved;
  };
  solvers::Vector before;
  for (Index b = 0; b < task.batches && solved.ending != Ending::not_finite; ++b) {
    cost.number = task.first_batch + b;
    if (task.others) {
      cost.batch = task.samples.part(task.others->before(cost.number), task.others->of(cost.number).here());
    } else {
      const Index first = cost.number * task.batch_size;
      cost.batch = task.samples.part(first, std::min(task.batch_size, samples - first));
    }
    cost.done = b;
    solved.ending = Ending::none;
    try {
      for (Index i = 0; i < task.iterations && solved.ending == Ending::none; ++i) {
        cost.draws = network.draws;  // the noise of layers stays the same during an iteration
        if (noise || (i == 0 && (several || task.anew))) {
          solved.ending = minimizer.evaluate(problem, several && i == 0);
          solved.step = 0;
          if (solved.ending != Ending::none) {
            break;
          }
        }
        before = minimizer.point().x;
        solved.ending = minimizer.iterate(problem);
        if (solved.ending == Ending::not_finite) {
          break;
        }
        solved.step = 0;
        if (solved.ending == Ending::search) {
          problem.value(minimizer.point().x);  // the totals are those of a point that was not taken
          break;
        }
        problem.keep(minimizer.point().x);
        ++network.draws;
        solvers::move(minimizer.point().x, -1, before, before);
        solved.step = solvers::norm(before);
      }
    } catch (const Stopped&) {
      solved.stopped = true;
      return finish();
    }
    if (solved.ending != Ending::not_finite) {
      add(cost.totals(), totals);
    }
  }
  return finish();
}

template Solved solve(Network<float>&, solvers::Minimizer&, const Solve<float>&, Totals&);
template Solved solve(Network<double>&, solvers::Minimizer&, const Solve<double>&, Totals&);

}  // namespace fastopt
