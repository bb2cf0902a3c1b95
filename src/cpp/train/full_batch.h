// The cost of all samples and its gradient, at any parameters: what methods that look at all data stand on.
#pragma once

#include <span>

#include "nn/network.h"

namespace fastopt {

// sum_i w_i L_i / n and what layers cost, with everything fixed that training measures: as in `evaluate`. Parameters
// and gradient are laid out as those of the plan; a line more is read behind the parameters. Samples go through in
// chunks that depend on the plan alone, whose gradients are summed in double precision, so that memory does not grow
// with their number, and no bit depends on threads; or, where `whole`, as one batch. It ends early where the poll or a
// loss asks to stop; what it returned is then of no use.
template <class T>
double cost_and_gradient(Network<T>& network, std::span<const Samples> x, const Objective<T>& objective,
                         const T* parameters, std::span<double> gradient, bool whole, const Poll& poll);

}  // namespace fastopt
