// The table of kernels that each instruction set fills. Nothing here depends on an instruction set.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace fastopt {

// The kernels of a topic, and their arguments: in the `args.h` of the topic.
template <class T>
struct ActivationKernels;
template <class T>
struct AugmentKernels;
template <class T>
struct BatchNormKernels;
template <class T>
struct ConvKernels;
template <class T>
struct DropoutKernels;
template <class T>
struct ElementwiseKernels;
template <class T>
struct GatherKernels;
template <class T>
struct GroupNormKernels;
template <class T>
struct LossKernels;
template <class T>
struct MaxoutKernels;
template <class T>
struct PeriodicKernels;
template <class T>
struct PiecewiseKernels;
template <class T>
struct PoolKernels;
template <class T>
struct PreluKernels;
template <class T>
struct ProductKernels;
template <class T>
struct ReduceKernels;
template <class T>
struct SparseKernels;
template <class T>
struct SparseCodingKernels;
template <class T>
struct UpdateKernels;
template <class T>
struct VectorKernels;
struct PeakKernels;

template <class T>
struct Kernels {
  const ActivationKernels<T>& activation;
  const AugmentKernels<T>& augment;
  const BatchNormKernels<T>& batch_norm;
  const ConvKernels<T>& conv;
  const DropoutKernels<T>& dropout;
  const ElementwiseKernels<T>& elementwise;
  const GatherKernels<T>& gather;
  const GroupNormKernels<T>& group_norm;
  const LossKernels<T>& loss;
  const MaxoutKernels<T>& maxout;
  const PeriodicKernels<T>& periodic;
  const PiecewiseKernels<T>& piecewise;
  const PoolKernels<T>& pool;
  const PreluKernels<T>& prelu;
  const ProductKernels<T>& product;
  const ReduceKernels<T>& reduce;
  const SparseKernels<T>& sparse;
  const SparseCodingKernels<T>& sparse_coding;
  const UpdateKernels<T>& update;
  const VectorKernels<T>& vector;
};

struct KernelTable {
  const char* isa;
  const Kernels<float>& f32;
  const Kernels<double>& f64;
  const PeakKernels& peak;
  void (*philox)(std::uint64_t key, std::uint64_t stream, std::uint64_t first_block, Index words, std::uint32_t* out);

  template <class T>
  const Kernels<T>& of() const {
    if constexpr (sizeof(T) == 4) {
      return f32;
    } else {
      return f64;
    }
  }
};

}  // namespace fastopt
