#include "kernels/maxout/maxout.h"

#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const MaxoutKernels<T> Topics<T>::maxout{
    .largest = largest_pieces<T>,
    .spread = spread_pieces<T>,
};

template const MaxoutKernels<float> Topics<float>::maxout;
template const MaxoutKernels<double> Topics<double>::maxout;

}  // namespace fastopt::FASTOPT_ISA
