#include "kernels/augment/move.h"
#include "kernels/augment/noise.h"
#include "kernels/augment/warp.h"
#include "kernels/topics.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
constinit const AugmentKernels<T> Topics<T>::augment{
    .move = move_image<T>,
    .warp_memory = warp_memory<T>,
    .warp = warp<T>,
    .add_noise = add_noise<T>,
};

template const AugmentKernels<float> Topics<float>::augment;
template const AugmentKernels<double> Topics<double>::augment;

}  // namespace fastopt::FASTOPT_ISA
