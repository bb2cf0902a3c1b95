#include "kernels/norm/group_norm.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const GroupNormKernels<T> Topics<T>::group_norm{
    .forward = FASTOPT_ISA::group_norm<T>,
    .backward = group_norm_backward<T>,
    .sums = group_norm_sums<T>,
};

template const GroupNormKernels<float> Topics<float>::group_norm;
template const GroupNormKernels<double> Topics<double>::group_norm;

}  // namespace fastopt::FASTOPT_ISA
