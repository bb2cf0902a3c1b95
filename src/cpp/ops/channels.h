// How work on arrays with channels is shared.
#pragma once

#include "core/types.h"
#include "runtime/team.h"

namespace fastopt::ops {

inline constexpr Index channel_grain = 16;  // channels that a thread takes at least: no two write to one cache line

// Of one pass over the rows, roughly, as `threads_for` takes it.
inline double pass_cost(Index rows, const Features& features) {
  return elementwise_cost * static_cast<double>(rows) * static_cast<double>(features.size());
}

}  // namespace fastopt::ops
