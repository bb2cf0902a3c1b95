#include "kernels/elementwise/elementwise.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const ElementwiseKernels<T> Topics<T>::elementwise{
    .exp = exp_array<T>,
    .log = log_array<T>,
    .multiply = multiply_arrays<T>,
    .add = add_arrays<T>,
};

template const ElementwiseKernels<float> Topics<float>::elementwise;
template const ElementwiseKernels<double> Topics<double>::elementwise;

}  // namespace fastopt::FASTOPT_ISA
