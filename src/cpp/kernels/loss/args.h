// The arguments of losses and metrics, and what the core's table says of each.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace fastopt {

// What targets are: the number of a class for each row, or for each column a part of a distribution, a number from 0 to
// 1, -1 or 1, a count, or any number.
enum class TargetKind : std::uint8_t { label, probability, bit, sign, count, value };
inline constexpr std::array<std::string_view, 6> target_names{"labels", "probabilities", "bits",
                                                              "signs",  "counts",        "values"};

// A loss or metric on some rows of a batch. Targets and weights are those of all samples, found by `index`.
template <class T>
struct Targets {
  const Index* labels = nullptr;
  const T* dense = nullptr;
  const Index* index = nullptr;

  Index sample(Index row) const { return index ? index[row] : row; }

  // In 0..columns-1 when it was checked, but other threads may have written to the labels since: it is read once, and
  // is not to be taken for a place without a look.
  Index label(Index row) const { return __atomic_load_n(labels + sample(row), __ATOMIC_RELAXED); }

  // Those of rows first, first + 1, ... of a batch.
  Targets from(Index first, Index columns) const {
    if (index) {
      return {labels, dense, index + first};
    }
    return {labels ? labels + first : nullptr, dense ? dense + first * columns : nullptr, nullptr};
  }
};

struct LossParameter {
  std::string_view name;
  double default_value;
};

using LossHyper = std::vector<double>;

template <class T>
struct Loss {
  Index rows, columns;
  Rows<const T> prediction;
  Targets<T> target;
  const T* weight = nullptr;
  std::span<const double> hyper = {};
  T scale;
  Rows<T> gradient = {};  // of scale * sum of weight * loss; not computed where it is null
  T* loss;                // one for each row

  // Where weights and targets are those of these rows, without an index.
  Loss part(Range share) const {
    Loss p = *this;
    p.rows = share.size();
    p.prediction = prediction.from(share.begin);
    p.target = target.from(share.begin, columns);
    p.weight = weight ? weight + share.begin : nullptr;
    p.gradient = gradient.data ? gradient.from(share.begin) : gradient;
    p.loss = loss + share.begin;
    return p;
  }
};

// scale * weight * H s for each row, H being the Hessian of its loss by the prediction.
template <class T>
struct LossCurvature {
  Loss<T> of;
  Rows<const T> s;
  Rows<T> product;
};

template <class T>
struct Metric {
  Index rows, columns;
  Rows<const T> prediction;
  Targets<T> target;
  Index k = 1;  // of the metrics that look at the k largest predictions
  T* value;     // one for each row

  Metric part(Range share) const {
    Metric p = *this;
    p.rows = share.size();
    p.prediction = prediction.from(share.begin);
    p.target = target.from(share.begin, columns);
    p.value = value + share.begin;
    return p;
  }
};

template <class T>
struct LossKernel {
  std::string_view name;
  std::string_view activation;  // the one that it is fused with: it takes the values before it
  TargetKind target;
  std::span<const LossParameter> hyper;
  bool several;  // of its only hyperparameter there may be several values: name_0, name_1, ...
  void (*rows)(const Loss<T>&);
  void (*curvature)(const LossCurvature<T>&);

  bool labels() const { return target == TargetKind::label; }
};

template <class T>
struct MetricKernel {
  std::string_view name;
  TargetKind target;
  bool logits;  // as good on values before the last activation
  bool needs_k;
  void (*rows)(const Metric<T>&);

  bool labels() const { return target == TargetKind::label; }
};

template <class T>
struct LossKernels {
  std::span<const LossKernel<T>> losses;
  std::span<const MetricKernel<T>> metrics;
};

}  // namespace fastopt
