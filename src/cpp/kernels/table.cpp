// The table of one instruction set.
#include "kernels/table.h"

#include "kernels/elementwise.h"
#include "kernels/philox.h"

#define FASTOPT_TEXT(name) #name
#define FASTOPT_NAME(name) FASTOPT_TEXT(name)

namespace fastopt::FASTOPT_ISA {

// Compiled in files of their own.
extern const Kernels<float> f32;
extern const Kernels<double> f64;

inline constexpr auto streams = []<int... I>(std::integer_sequence<int, I...>) {
  constexpr auto kernel = []<int i>() -> void (*)(float* const*, Index) {
    constexpr int reads = i / (max_streams + 1) + 1, writes = i % (max_streams + 1);
    if constexpr (writes <= reads) {
      return stream<reads, writes>;
    } else {
      return nullptr;
    }
  };
  return decltype(KernelTable::streams) { kernel.template operator()<I>()... };
}(std::make_integer_sequence<int, stream_kinds>{});

extern const KernelTable table;
constinit const KernelTable table{
    .isa = FASTOPT_NAME(FASTOPT_ISA),
    .f32 = &f32,
    .f64 = &f64,
    .streams = streams,
    .philox = philox,
};

}  // namespace fastopt::FASTOPT_ISA
