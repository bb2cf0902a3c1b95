// Training by a method that looks at the whole cost: iterations on all samples, or on some of them at a time.
#pragma once

#include <span>

#include "solvers/minimize.h"
#include "train/model_problem.h"

namespace fastopt {

template <class T>
struct Solve {
  std::span<const Samples> x;  // of each input
  const Objective<T>& objective;
  Batch samples;  // as in `Epoch`
  Index batch_size, first_batch, batches;
  Index iterations;  // on each batch
  bool anew;         // the cost at the point is not known: this is another training, or layers do what they did not
  bool whole;        // as `Cost`
  const Poll& poll;
  const Others<T>* others = nullptr;  // as in `Epoch`
};

struct Solved {
  solvers::Ending ending = solvers::Ending::none;  // of the last batch
  bool stopped = false;                            // by the poll
  Evaluations spent;
  double step = 0, gradient = 0;  // the length of the last step, and what is left of the gradient
};

// From the parameters of the network, which must be the point of the minimizer, to those of its last whole iteration.
// To the totals goes what is found after the last iteration on each batch.
template <class T>
Solved solve(Network<T>& network, solvers::Minimizer& minimizer, const Solve<T>& task, Totals& totals);

}  // namespace fastopt
