#include "kernels/prelu/prelu.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const PreluKernels<T> Topics<T>::prelu{
    .pass = FASTOPT_ISA::prelu<T>,
    .sums = prelu_sums<T>,
};

template const PreluKernels<float> Topics<float>::prelu;
template const PreluKernels<double> Topics<double>::prelu;

}  // namespace fastopt::FASTOPT_ISA
