#include "kernels/update/update.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const UpdateKernels<T> Topics<T>::update{
    .apply = apply_kernels<T>.data(),
    .finish = finish_kernels<T>.data(),
    .look_ahead = look_ahead_kernels<T>.data(),
    .to_average = to_average_kernels<T>.data(),
    .from_average = from_average_kernels<T>.data(),
    .gather = gather_kernels<T>.data(),
    .adjust = adjust<T>,
    .approach = approach<T>,
    .add = add<T>,
    .mask = mask<T>,
};

template const UpdateKernels<float> Topics<float>::update;
template const UpdateKernels<double> Topics<double>::update;

}  // namespace fastopt::FASTOPT_ISA
