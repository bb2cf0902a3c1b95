#include "kernels/conv/depthwise.h"
#include "kernels/topics.h"
#include "simd/transpose.h"

namespace fastopt::FASTOPT_ISA {

namespace {

template <class T>
void transpose_matrix(const T* b, Index stride, Index rows, Index columns, T* to, Index to_stride) {
  Index i = 0;
  for (; i + lanes<T> <= rows; i += lanes<T>) {
    transpose<T>(b + i * stride, stride, lanes<T>, columns, to + i, to_stride);
  }
  for (; i < rows; ++i) {
    for (Index k = 0; k < columns; ++k) {
      to[k * to_stride + i] = b[i * stride + k];
    }
  }
}

}  // namespace

template <class T>
constinit const ConvKernels<T> Topics<T>::conv{
    .transpose = transpose_matrix<T>,
    .convolve_channels = convolve_channels<T>,
    .spread_channels = spread_channels<T>,
    .correlate_channels = correlate_channels<T>,
};

template const ConvKernels<float> Topics<float>::conv;
template const ConvKernels<double> Topics<double>::conv;

}  // namespace fastopt::FASTOPT_ISA
