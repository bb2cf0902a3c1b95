#include "kernels/sparse/sparse.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const SparseKernels<T> Topics<T>::sparse{
    .multiply = multiply_sparse<T>,
    .multiply_transposed = multiply_sparse_transposed<T>,
    .fill = fill_sparse<T>,
};

template const SparseKernels<float> Topics<float>::sparse;
template const SparseKernels<double> Topics<double>::sparse;

}  // namespace fastopt::FASTOPT_ISA
