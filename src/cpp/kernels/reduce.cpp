// Compiled without fused multiply-adds, which only some processors have.
#include "kernels/reduce.h"

namespace fastopt::FASTOPT_ISA {

template double sum<float>(const float*, Index);
template double sum<double>(const double*, Index);
template double sum_of_squares<float>(const float*, Index);
template double sum_of_squares<double>(const double*, Index);

}  // namespace fastopt::FASTOPT_ISA
