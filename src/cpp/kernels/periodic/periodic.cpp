#include "kernels/periodic/periodic.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const PeriodicKernels<T> Topics<T>::periodic{
    .forward = FASTOPT_ISA::periodic<T>,
    .backward = periodic_backward<T>,
    .sums = periodic_sums<T>,
};

template const PeriodicKernels<float> Topics<float>::periodic;
template const PeriodicKernels<double> Topics<double>::periodic;

}  // namespace fastopt::FASTOPT_ISA
