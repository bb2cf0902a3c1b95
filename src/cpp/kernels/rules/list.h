// All update rules, in order of increasing complexity.
#pragma once

#include "kernels/list.h"
#include "kernels/rules/adadelta.h"
#include "kernels/rules/adagrad.h"
#include "kernels/rules/adam.h"
#include "kernels/rules/adamax.h"
#include "kernels/rules/delta_bar_delta.h"
#include "kernels/rules/lamb.h"
#include "kernels/rules/lion.h"
#include "kernels/rules/nadam.h"
#include "kernels/rules/radam.h"
#include "kernels/rules/rmsprop.h"
#include "kernels/rules/sgd.h"
#include "kernels/rules/swats.h"

namespace fastopt::FASTOPT_ISA {

using Rules =
    List<Sgd, MomentumRule<false>, MomentumRule<true>, LookAhead, HeavyBallRule<false>, HeavyBallRule<true>, Lion,
         Adagrad, Rmsprop<false, Velocity::none>, Rmsprop<false, Velocity::heavy_ball>,
         Rmsprop<false, Velocity::nesterov>, Rmsprop<true, Velocity::none>, Rmsprop<true, Velocity::heavy_ball>,
         Rmsprop<true, Velocity::nesterov>, Adadelta, DeltaBarDelta, AdamRule<false, false>, AdamRule<true, false>,
         AdamRule<false, true>, AdamRule<true, true>, Adamax, Nadam, Radam, Lamb, Swats>;

}  // namespace fastopt::FASTOPT_ISA
