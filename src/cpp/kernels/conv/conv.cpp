#include "kernels/conv/patches.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const ConvKernels<T> Topics<T>::conv{
    .gather = gather_patches<T>,
    .scatter = scatter_patches<T>,
    .transpose = transpose_matrix<T>,
};

template const ConvKernels<float> Topics<float>::conv;
template const ConvKernels<double> Topics<double>::conv;

}  // namespace fastopt::FASTOPT_ISA
