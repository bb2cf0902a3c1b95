#include "kernels/dropout/dropout.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const DropoutKernels<T> Topics<T>::dropout{
    .mask = mask<T>,
};

template const DropoutKernels<float> Topics<float>::dropout;
template const DropoutKernels<double> Topics<double>::dropout;

}  // namespace fastopt::FASTOPT_ISA
