#include "kernels/activation/activation.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const ActivationKernels<T> Topics<T>::activation{
    .all = activation_kernels<T>,
};

template const ActivationKernels<float> Topics<float>::activation;
template const ActivationKernels<double> Topics<double>::activation;

}  // namespace fastopt::FASTOPT_ISA
