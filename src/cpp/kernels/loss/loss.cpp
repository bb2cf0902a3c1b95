#include "kernels/loss/loss.h"

#include "kernels/loss/metric.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const LossKernels<T> Topics<T>::loss{
    .losses = loss_rows<T>.data(),
    .metrics = metric_rows<T>.data(),
};

template const LossKernels<float> Topics<float>::loss;
template const LossKernels<double> Topics<double>::loss;

}  // namespace fastopt::FASTOPT_ISA
