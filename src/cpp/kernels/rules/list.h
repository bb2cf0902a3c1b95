// All update rules, in order of increasing complexity.
#pragma once

#include "kernels/list.h"
#include "kernels/rules/adam.h"
#include "kernels/rules/sgd.h"

namespace fastopt::FASTOPT_ISA {

using Rules = List<Sgd, MomentumRule<false>, MomentumRule<true>, Adam>;

}  // namespace fastopt::FASTOPT_ISA
