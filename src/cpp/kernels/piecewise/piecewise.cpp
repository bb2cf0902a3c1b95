#include "kernels/piecewise/piecewise.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const PiecewiseKernels<T> Topics<T>::piecewise{
    .forward = FASTOPT_ISA::piecewise<T>,
    .backward = piecewise_backward<T>,
};

template const PiecewiseKernels<float> Topics<float>::piecewise;
template const PiecewiseKernels<double> Topics<double>::piecewise;

}  // namespace fastopt::FASTOPT_ISA
