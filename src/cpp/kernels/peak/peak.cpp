#include "kernels/peak/peak.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr auto streams = []<int... I>(std::integer_sequence<int, I...>) {
  constexpr auto kernel = []<int i>() -> void (*)(float* const*, Index) {
    constexpr int reads = i / (max_streams + 1) + 1, writes = i % (max_streams + 1);
    if constexpr (writes <= reads) {
      return stream<reads, writes>;
    } else {
      return nullptr;
    }
  };
  return decltype(PeakKernels::streams) { kernel.template operator()<I>()... };
}(std::make_integer_sequence<int, stream_kinds>{});

constinit const PeakKernels peak_kernels{
    .fma_f32 = fma_chain<float>,
    .fma_f64 = fma_chain<double>,
    .streams = streams,
};

}  // namespace fastopt::FASTOPT_ISA
