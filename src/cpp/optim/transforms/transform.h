// What may surround any update rule, and act on gradients before it or on parameters after it: a transform is its name,
// the number with which it does nothing (`neutral`), where it keeps an array for each parameter the name of that
// (`slot`), and some of the functions below. Each is called with the number that the transform has in this step.
// - `first(chunk)`: before the first step of all.
// - `adjust(value, adjust, decay)`: what is done to the gradient in one pass; `decay` is the tensor's factor of decays.
// - `limit(value, norms)`: the factors of the gradients by their norms, which takes a pass over all of them before.
// - `after(chunk)`: after the step.
// Where the slot holds copies of the parameters, it says so (`copies`); and where it needs an array for each parameter
// within a step alone (`spares`), which is Step's. Transforms keep nothing else from step to step.
#pragma once

#include <span>
#include <string_view>

#include "core/types.h"
#include "kernels/table.h"
#include "kernels/update/args.h"

namespace fastopt {

// Elements of a tensor that a step goes through at a time, in the first-level cache.
template <class T>
struct Chunk {
  const UpdateKernels<T>& kernels;
  Index size;
  T* parameter;
  T* start;  // what the step starts from: `parameter`, but where the rule has looked ahead
  T* slot;   // the transform's own
  double value;
  double decay_rate;  // the learning rate times the tensor's factor of decays
};

// Of each tensor: the norm of its gradient and the square of that, and the factor that its gradient gets.
struct Norms {
  std::span<const double> squares, norms;
  std::span<double> factor;
};

}  // namespace fastopt
