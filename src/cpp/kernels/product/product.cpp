#include "kernels/product/multiply.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const ProductKernels<T> Topics<T>::product{
    .panel_width = panel_width<T>,
    .packed_width = packed_width<T>,
    .multiply = multiply<T>,
    .pack = pack<T>,
};

template const ProductKernels<float> Topics<float>::product;
template const ProductKernels<double> Topics<double>::product;

}  // namespace fastopt::FASTOPT_ISA
