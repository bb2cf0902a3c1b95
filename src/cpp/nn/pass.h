// A pass of a batch through a plan: forward, and back. It owns nothing; every rank of a team calls its functions.
#pragma once

#include <span>

#include "nn/objective.h"
#include "nn/regularize.h"
#include "runtime/watch.h"

namespace fastopt {

template <class T>
struct Pass {
  const Plan<T>& plan;
  Memory<T>& memory;
  const Schedule& schedule;
  Task task;
  const T* parameters;
  T* state;
  Watch& watch;
  std::int64_t draws = 0;  // passes in training before: with the seed they decide the random numbers
  // The samples of each input, of which the batch takes some; none: those that were copied by the pass before.
  std::span<const Samples> x = {};
  bool copies = false;  // samples that could be read in place
  Batch batch = {};
  Index done = 0;                           // batches before, which the watch is told
  const Objective<T>* objective = nullptr;  // where the task asks for it
  Index samples = 0;                        // over which the gradient is a mean; 0: the rows of the batch
  std::span<const T* const> dy = {};        // the gradients of the outputs, where they are given
  std::span<T* const> dx = {};              // where those of the inputs go
  std::span<T* const> outputs = {};         // where the outputs go, sample by sample

  Index over() const { return samples > 0 ? samples : batch.rows; }
};

// What the phases need of the parameters. A barrier must follow.
template <class T>
void prepare(const Team& team, const Pass<T>& pass);

// The batch through all stages, as far as the gradients of the layers' outputs. A barrier must follow.
template <class T>
void run(const Team& team, const Pass<T>& pass);

// Or some rows of it by this rank alone, where no stage but the first is needed.
template <class T>
void run_rows(const Team& team, const Pass<T>& pass, Range rows);

// The gradients of the parameters, part by part. A barrier must follow.
template <class T>
void differentiate(const Team& team, const Pass<T>& pass, Sink<T>& sink);

// What the parameters and the values of layers cost, as they were measured last, for all rows of the batch.
template <class T>
double penalty(const Pass<T>& pass);

}  // namespace fastopt
