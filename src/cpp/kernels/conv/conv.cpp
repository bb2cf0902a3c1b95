#include "kernels/conv/depthwise.h"
#include "kernels/conv/patches.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const ConvKernels<T> Topics<T>::conv{
    .gather = gather_patches<T>,
    .scatter = scatter_patches<T>,
    .transpose = transpose_matrix<T>,
    .convolve_channels = convolve_channels<T>,
    .spread_channels = spread_channels<T>,
    .correlate_channels = correlate_channels<T>,
};

template const ConvKernels<float> Topics<float>::conv;
template const ConvKernels<double> Topics<double>::conv;

}  // namespace fastopt::FASTOPT_ISA
