#include "kernels/all.h"

namespace fastopt::FASTOPT_ISA {

extern const Kernels<float> f32;
constinit const Kernels<float> f32 = kernels<float>;

}  // namespace fastopt::FASTOPT_ISA
