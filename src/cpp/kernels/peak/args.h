// The kernels that measure what a machine can do.
#pragma once

#include <array>

#include "core/types.h"

namespace fastopt {

// The traffic of every update rule: at most `max_streams` arrays are read, and as many of them or fewer written.
inline constexpr int max_streams = 6, stream_kinds = max_streams * (max_streams + 1);

struct PeakKernels {
  // Multiply-adds on registers alone; returns the operations done.
  double (*fma_f32)(Index rounds), (*fma_f64)(Index rounds);
  std::array<void (*)(float* const* arrays, Index size), stream_kinds> streams;

  template <class T>
  auto fma() const {
    return sizeof(T) == 4 ? fma_f32 : fma_f64;
  }
  // 1 <= reads <= max_streams, writes <= reads
  auto stream(int reads, int writes) const {
    return streams.at(static_cast<std::size_t>(reads - 1) * (max_streams + 1) + static_cast<std::size_t>(writes));
  }
};

}  // namespace fastopt
