// Compiled without fused multiply-adds, which only some processors have.
#include "kernels/reduce/reduce.h"

#include "kernels/reduce/column_sum.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const ReduceKernels<T> Topics<T>::reduce{
    .column_sum = column_sum<T>,
    .column_dot = column_dot<T>,
    .sum = sum<T>,
    .sum_of_squares = sum_of_squares<T>,
    .first_nonfinite = first_nonfinite<T>,
};

template const ReduceKernels<float> Topics<float>::reduce;
template const ReduceKernels<double> Topics<double>::reduce;

}  // namespace fastopt::FASTOPT_ISA
