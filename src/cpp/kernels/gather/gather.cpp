#include "kernels/gather/gather.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const GatherKernels<T> Topics<T>::gather{
    .rows = FASTOPT_ISA::gather<T>,
};

template const GatherKernels<float> Topics<float>::gather;
template const GatherKernels<double> Topics<double>::gather;

}  // namespace fastopt::FASTOPT_ISA
