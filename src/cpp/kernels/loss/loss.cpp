#include "kernels/loss/loss.h"

#include "kernels/loss/metric.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const LossKernels<T> Topics<T>::loss{
    .losses = loss_kernels<T>,
    .metrics = metric_kernels<T>,
};

template const LossKernels<float> Topics<float>::loss;
template const LossKernels<double> Topics<double>::loss;

}  // namespace fastopt::FASTOPT_ISA
