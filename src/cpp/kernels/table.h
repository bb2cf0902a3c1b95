// The table of kernels that each instruction set fills. Nothing here depends on an instruction set.
#pragma once

#include <array>
#include <cstdint>

#include "core/types.h"
#include "kernels/activation/args.h"

namespace fastopt {

// What the kernels are told, each in the `args.h` of its topic.
template <class T>
struct Product;
template <class T>
struct Loss;
template <class T>
struct Metric;
template <class T>
struct GroupNorm;
template <class T>
struct GroupNormBackward;
template <class T>
struct BatchMoments;
template <class T>
struct BatchNorm;
template <class T>
struct BatchNormBackward;
template <class T>
struct PreluPass;
template <class T>
struct PreluSums;
template <class T>
struct Update;
template <class T>
struct Adjust;
template <class T>
struct Gather;

inline constexpr int max_kinds = 32;

template <class T>
struct Kernels {
  int panel_width;
  Index (*packed_width)(Index columns);  // of the panels of a packed matrix
  void (*multiply)(const Product<T>&);
  // Panels first..last of b or, transposed, of b^T where b is [columns, depth].
  void (*pack)(const T* b, Index stride, bool transposed, Index depth, Index columns, Range panels, T* packed);
  void (*column_sum)(Rows<const T> x, Index rows, Range columns, T* sum);
  std::array<Activate<T>, max_kinds> activate;
  std::array<Differentiate<T>, max_kinds> differentiate;
  void (*exp)(const T* x, T* y, Index size);
  void (*log)(const T* x, T* y, Index size);
  std::array<void (*)(const Loss<T>&), max_kinds> loss;
  std::array<void (*)(const Metric<T>&), max_kinds> metric;
  // Of each row: to be split by rows. Going back, the sums over them are taken on the way if they are asked for.
  void (*group_norm)(const GroupNorm<T>&);
  void (*group_norm_backward)(const GroupNormBackward<T>&);
  void (*batch_norm)(const BatchNorm<T>&);
  void (*batch_norm_backward)(const BatchNormBackward<T>&);
  // Over all rows: to be split by channels, anywhere; a channel's result does not depend on it.
  void (*group_norm_sums)(const GroupNormBackward<T>&, Range channels);
  void (*batch_moments)(const BatchMoments<T>&, Range channels);
  void (*batch_norm_sums)(const BatchNormBackward<T>&, Range channels);
  void (*inverse_deviation)(const T* variance, T epsilon, T* rstd, Index size);  // 1 / sqrt(variance + epsilon)
  void (*prelu)(const PreluPass<T>&);                                            // split by rows
  void (*prelu_sums)(const PreluSums<T>&, Range channels);                       // split by channels, anywhere
  // y_j = max over k of x_{j pieces + k}, and the k that it is; then dx, which is dy there and 0 elsewhere.
  void (*largest_pieces)(const T* x, Index units, Index pieces, T* y, Index* piece);
  void (*spread_pieces)(const T* dy, const Index* piece, Index units, Index pieces, T* dx);
  // What a rule does with a gradient; then, of the rules that have it, once its sums are known; and before the
  // gradient.
  std::array<void (*)(const Update<T>&), max_kinds> update, finish, look_ahead;
  void (*adjust)(const Adjust<T>&);
  void (*approach)(const T* x, T* y, double part, Index size);  // y <- y + part (x - y)
  void (*shrink)(T* x, double part, Index size);                // x <- x - part x
  void (*add)(const T* x, T* y, Index size);                    // y <- y + x
  void (*gather)(const Gather<T>&);
  // out <- a b and a + b, which may be one of them; 0 with probability `rate`, else 1 / (1 - rate).
  void (*multiply_by)(const T* a, const T* b, T* out, Index size);
  void (*add_to)(const T* a, const T* b, T* out, Index size);
  void (*mask)(std::uint64_t key, std::uint64_t stream, double rate, T* out, Index size);
  double (*sum)(const T* x, Index size);
  double (*sum_of_squares)(const T* x, Index size);
  Index (*first_nonfinite)(const T* x, Index size);
  // Multiply-adds on registers alone; returns the operations done.
  double (*fma_chain)(Index rounds);
};

// The traffic of every update rule: at most `max_streams` arrays are read, and as many of them or fewer written.
inline constexpr int max_streams = 5, stream_kinds = max_streams * (max_streams + 1);

struct KernelTable {
  const char* isa;
  const Kernels<float>* f32;
  const Kernels<double>* f64;
  std::array<void (*)(float* const* arrays, Index size), stream_kinds> streams;
  void (*philox)(std::uint64_t key, std::uint64_t stream, std::uint64_t first_block, Index words, std::uint32_t* out);

  // 1 <= reads <= max_streams, writes <= reads
  auto stream(int reads, int writes) const {
    return streams.at(static_cast<std::size_t>(reads - 1) * (max_streams + 1) + static_cast<std::size_t>(writes));
  }

  template <class T>
  const Kernels<T>& of() const {
    if constexpr (sizeof(T) == 4) {
      return *f32;
    } else {
      return *f64;
    }
  }
};

}  // namespace fastopt
