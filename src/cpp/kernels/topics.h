// The kernels of each topic, for the instruction set that is compiled: each in a translation unit of its own.
#pragma once

#include "kernels/table.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
struct Topics {
  static const ActivationKernels<T> activation;
  static const AugmentKernels<T> augment;
  static const BatchNormKernels<T> batch_norm;
  static const ConvKernels<T> conv;
  static const DropoutKernels<T> dropout;
  static const ElementwiseKernels<T> elementwise;
  static const GatherKernels<T> gather;
  static const GroupNormKernels<T> group_norm;
  static const LossKernels<T> loss;
  static const MaxoutKernels<T> maxout;
  static const PeriodicKernels<T> periodic;
  static const PiecewiseKernels<T> piecewise;
  static const PoolKernels<T> pool;
  static const PreluKernels<T> prelu;
  static const ProductKernels<T> product;
  static const ReduceKernels<T> reduce;
  static const SparseKernels<T> sparse;
  static const SparseCodingKernels<T> sparse_coding;
  static const UpdateKernels<T> update;
  static const VectorKernels<T> vector;
};

extern template struct Topics<float>;
extern template struct Topics<double>;

extern const PeakKernels peak_kernels;

}  // namespace fastopt::FASTOPT_ISA
