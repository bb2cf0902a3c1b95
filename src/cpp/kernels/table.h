// What a kernel is told and the table of kernels that each instruction set fills. Nothing here depends on an
// instruction set.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fastopt {

using Index = std::int64_t;
inline constexpr Index max_index = INT64_MAX;

struct Range {
  Index begin, end;
  Index size() const { return end - begin; }
};

// A matrix with unit column stride; where `index` is given, row i is row index[i] of what `data` points to.
template <class T>
struct Rows {
  T* data = nullptr;
  Index stride = 0;
  const Index* index = nullptr;

  T* row(Index i) const { return data + (index ? index[i] : i) * stride; }
  // Rows first, first + 1, ...
  Rows from(Index first) const {
    return index ? Rows{data, stride, index + first} : Rows{data + first * stride, stride, nullptr};
  }
};

// How an elementwise activation ends a product: not at all, z -> f(z), or dy -> dy f'(y) with y the activated value.
enum class Epilogue : std::uint8_t { none, activate, differentiate };

// The right factor of a product, [depth, columns], as panels of `panel_width` columns. In packed form each panel is
// contiguous and filled with zeros to its full width.
template <class T>
struct Panels {
  const T* data;
  Index row_stride, panel_stride;
  bool padded;  // whole vectors may be read at the end of a row
};

// c = epilogue(op(a) b + bias). a is [rows, depth]; transposed, it is stored as [depth, rows].
template <class T>
struct Product {
  Index rows, columns, depth;
  Rows<const T> a;
  bool a_transposed = false;
  Panels<T> b;
  Rows<T> c;
  const T* bias = nullptr;
  Epilogue epilogue = Epilogue::none;
  int activation = 0;
  Rows<const T> y = {};
};

// A loss or metric on some rows of a batch. Targets and weights are those of all samples, found by `index`.
template <class T>
struct Targets {
  const Index* labels = nullptr;
  const T* dense = nullptr;
  const Index* index = nullptr;

  Index sample(Index row) const { return index ? index[row] : row; }

  // Those of rows first, first + 1, ... of a batch.
  Targets from(Index first, Index columns) const {
    if (index) {
      return {labels, dense, index + first};
    }
    return {labels ? labels + first : nullptr, dense ? dense + first * columns : nullptr, nullptr};
  }
};

inline constexpr int max_loss_hyper = 1;
using LossHyper = std::array<double, max_loss_hyper>;

struct LossParameter {
  std::string_view name;
  double usual;
};

template <class T>
struct Loss {
  Index rows, columns;
  Rows<const T> prediction;
  Targets<T> target;
  const T* weight = nullptr;
  LossHyper hyper = {};
  T scale;
  Rows<T> gradient = {};  // of scale * sum of weight * loss; not computed where it is null
  T* loss;                // one for each row
};

template <class T>
struct Metric {
  Index rows, columns;
  Rows<const T> prediction;
  Targets<T> target;
  Index k = 1;  // of the metrics that look at the k largest predictions
  T* value;     // one for each row
};

// The features of a row: [channels, space] or, channels last, [space, channels].
struct Features {
  Index channels, space = 1;
  bool channels_last = false;

  Index size() const { return channels * space; }
};

// y = gamma (x - mean) rstd + beta, gamma and beta being those of the channel, with the moments of each row and group
// of adjacent channels over the elements of the group. One group is layer normalisation, one for each channel instance
// normalisation; mean = 0, not centred, is RMS normalisation. Parameters of each element: take it for a channel.
template <class T>
struct GroupNorm {
  Index rows, groups = 1;
  Features features;
  bool centred = true;
  T epsilon;
  const T *gamma = nullptr, *beta = nullptr;  // null: 1 and 0
  Rows<const T> x;
  Rows<T> y;        // may be x
  Rows<T> moments;  // the mean of each group, then rstd = 1 / sqrt(variance + epsilon) of each group
};

template <class T>
struct GroupNormBackward {
  Index rows, groups = 1;
  Features features;
  bool centred = true;
  const T* gamma = nullptr;
  Rows<const T> x, dy, moments;
  Rows<T> dx = {};                        // may be dy
  T *dgamma = nullptr, *dbeta = nullptr;  // sums over the rows; what is null is not computed
  bool add = false;                       // the sums to what is there
};

// Moments of each channel over all rows and all of space; the variance is that of the rows alone (biased).
template <class T>
struct BatchMoments {
  Index rows;
  Features features;
  Rows<const T> x;
  T epsilon;
  T *mean, *variance, *rstd;  // rstd = 1 / sqrt(variance + epsilon)
};

// y = gamma (x - mean) rstd + beta, all of them of the channel.
template <class T>
struct BatchNorm {
  Index rows;
  Features features;
  const T *gamma = nullptr, *beta = nullptr, *mean = nullptr, *rstd = nullptr;  // null: 1, 0, 0 and 1
  Rows<const T> x;
  Rows<T> y;  // may be x
};

// dx = gamma rstd (dy - (dbeta + xhat dgamma) / count) with the sums over the whole batch of `count` elements for each
// channel; gamma rstd dy where the moments are fixed, which they are with a count of 0.
template <class T>
struct BatchNormBackward {
  Index rows;
  Features features;
  const T *gamma = nullptr, *mean, *rstd;
  Rows<const T> x, dy;
  T *dgamma = nullptr, *dbeta = nullptr;  // of batch_norm_sums, for batch_norm_backward
  Index count = 0;
  Rows<T> dx = {};  // may be dy
};

// y = v where x > 0, alpha v elsewhere, alpha being that of the channel. Going forward v is x; going back v is dy, and
// y is dx.
template <class T>
struct PreluPass {
  Index rows;
  Features features;
  const T* alpha;
  Rows<const T> x, v;
  Rows<T> y;  // may be v
};

// dalpha = sum of x dy over all rows and all of space, where not x > 0.
template <class T>
struct PreluSums {
  Index rows;
  Features features;
  Rows<const T> x, dy;
  T* dalpha;
};

inline constexpr int max_slots = 4;
inline constexpr int max_coefficients = 10;
inline constexpr int tensor_factor = max_coefficients - 1;  // the coefficient that a rule's sums over a tensor give it
inline constexpr int max_hyper = 8;
inline constexpr int max_sums = 2;
using Coefficients = std::array<double, max_coefficients>;

template <class T>
struct Update {
  Index size;
  T* parameter;
  const T* gradient;
  std::array<T*, max_slots> slots;
  Coefficients coefficients;
  std::array<double, max_sums>* sums = nullptr;  // of the rules that have some, over the elements
};

// to <- g + l2 w + l1 sign(w) with g the gradient times `scale`, clipped to -limit..limit.
template <class T>
struct Adjust {
  Index size;
  const T* parameter;
  const T* gradient;
  T* to;
  double scale, limit, l1, l2;
};

// Element types of the arrays that samples may come in.
enum class Type : std::uint8_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

// Samples of any type and strides (in bytes), turned into rows of T.
template <class T>
struct Gather {
  Type type;
  const void* data;
  Index row_stride, column_stride;
  const Index* index = nullptr;
  Index rows, columns;
  Rows<T> to;
};

inline constexpr int max_kinds = 32;

template <class T>
struct Kernels {
  int panel_width, narrow_columns, tile_rows;
  Index (*packed_width)(Index columns);  // of the panels of a packed matrix
  void (*multiply)(const Product<T>&);
  // Panels first..last of b or, transposed, of b^T where b is [columns, depth].
  void (*pack)(const T* b, Index stride, bool transposed, Index depth, Index columns, Range panels, T* packed);
  void (*column_sum)(Rows<const T> x, Index rows, Range columns, T* sum);
  std::array<void (*)(Rows<const T> z, Rows<T> y, Index rows, Index columns), max_kinds> activate;
  std::array<void (*)(Rows<const T> y, Rows<const T> dy, Rows<T> dz, Index rows, Index columns), max_kinds>
      differentiate;
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
