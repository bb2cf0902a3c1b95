#include "kernels/sparse_coding/lasso.h"
#include "kernels/sparse_coding/subtract.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const SparseCodingKernels<T> Topics<T>::sparse_coding{
    .lasso = lasso<T>,
    .subtract = subtract<T>,
};

template const SparseCodingKernels<float> Topics<float>::sparse_coding;
template const SparseCodingKernels<double> Topics<double>::sparse_coding;

}  // namespace fastopt::FASTOPT_ISA
