#include "kernels/pool/pool.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const PoolKernels<T> Topics<T>::pool{
    .largest = largest_of_windows<T>,
    .sum = sum_windows<T>,
    .spread = spread_over_windows<T>,
};

template const PoolKernels<float> Topics<float>::pool;
template const PoolKernels<double> Topics<double>::pool;

}  // namespace fastopt::FASTOPT_ISA
