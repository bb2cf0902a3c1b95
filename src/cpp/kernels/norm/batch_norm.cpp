#include "kernels/norm/batch_norm.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const BatchNormKernels<T> Topics<T>::batch_norm{
    .forward = FASTOPT_ISA::batch_norm<T>,
    .backward = batch_norm_backward<T>,
    .moments = batch_moments<T>,
    .sums = batch_norm_sums<T>,
    .inverse_deviation = inverse_deviation<T>,
};

template const BatchNormKernels<float> Topics<float>::batch_norm;
template const BatchNormKernels<double> Topics<double>::batch_norm;

}  // namespace fastopt::FASTOPT_ISA
