#include "kernels/all.h"

namespace fastopt::FASTOPT_ISA {

extern const Kernels<double> f64;
constinit const Kernels<double> f64 = kernels<double>;

}  // namespace fastopt::FASTOPT_ISA
