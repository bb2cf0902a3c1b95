// The arguments of the normalisations.
#pragma once

#include "core/types.h"

namespace fastopt {

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

  GroupNorm part(Range share) const {
    return for_rows(*this, share, &GroupNorm::x, &GroupNorm::y, &GroupNorm::moments);
  }
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

  GroupNormBackward part(Range share) const {
    return for_rows(*this, share, &GroupNormBackward::x, &GroupNormBackward::dy, &GroupNormBackward::moments,
                    &GroupNormBackward::dx);
  }
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

  BatchNorm part(Range share) const { return for_rows(*this, share, &BatchNorm::x, &BatchNorm::y); }
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

  BatchNormBackward part(Range share) const {
    return for_rows(*this, share, &BatchNormBackward::x, &BatchNormBackward::dy, &BatchNormBackward::dx);
  }
};

// `forward` and `backward` work on each row: to be split by rows. What is over all rows is to be split by channels,
// anywhere; a channel's result does not depend on it.
template <class T>
struct GroupNormKernels {
  void (*forward)(const GroupNorm<T>&);
  void (*backward)(const GroupNormBackward<T>&);  // takes the sums on the way if they are asked for
  void (*sums)(const GroupNormBackward<T>&, Range channels);
};

template <class T>
struct BatchNormKernels {
  void (*forward)(const BatchNorm<T>&);
  void (*backward)(const BatchNormBackward<T>&);
  void (*moments)(const BatchMoments<T>&, Range channels);
  void (*sums)(const BatchNormBackward<T>&, Range channels);
  void (*inverse_deviation)(const T* variance, T epsilon, T* rstd, Index size);  // 1 / sqrt(variance + epsilon)
};

}  // namespace fastopt
