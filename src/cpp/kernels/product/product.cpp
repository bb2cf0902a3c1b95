#include "kernels/product/multiply.h"

namespace fastopt::FASTOPT_ISA {

template void multiply<float>(const Product<float>&);
template void multiply<double>(const Product<double>&);

}  // namespace fastopt::FASTOPT_ISA
