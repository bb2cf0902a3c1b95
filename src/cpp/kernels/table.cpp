// The table of one instruction set.
#include "kernels/philox.h"
#include "kernels/topics.h"

#define FASTOPT_TEXT(name) #name
#define FASTOPT_NAME(name) FASTOPT_TEXT(name)

namespace fastopt::FASTOPT_ISA {

template <class T>
constexpr Kernels<T> kernels{
    .activation = Topics<T>::activation,
    .augment = Topics<T>::augment,
    .batch_norm = Topics<T>::batch_norm,
    .conv = Topics<T>::conv,
    .dropout = Topics<T>::dropout,
    .elementwise = Topics<T>::elementwise,
    .gather = Topics<T>::gather,
    .group_norm = Topics<T>::group_norm,
    .loss = Topics<T>::loss,
    .maxout = Topics<T>::maxout,
    .periodic = Topics<T>::periodic,
    .piecewise = Topics<T>::piecewise,
    .pool = Topics<T>::pool,
    .prelu = Topics<T>::prelu,
    .product = Topics<T>::product,
    .reduce = Topics<T>::reduce,
    .sparse = Topics<T>::sparse,
    .sparse_coding = Topics<T>::sparse_coding,
    .update = Topics<T>::update,
    .vector = Topics<T>::vector,
};

extern const KernelTable table;
constinit const KernelTable table{
    .isa = FASTOPT_NAME(FASTOPT_ISA),
    .f32 = kernels<float>,
    .f64 = kernels<double>,
    .peak = peak_kernels,
    .philox = philox,
};

}  // namespace fastopt::FASTOPT_ISA
