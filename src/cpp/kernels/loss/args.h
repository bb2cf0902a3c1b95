// What losses and metrics are told.
#pragma once

#include <array>
#include <string_view>

#include "core/types.h"

namespace fastopt {

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

template <class T>
struct LossKernels {
  using LossKernel = void (*)(const Loss<T>&);
  using MetricKernel = void (*)(const Metric<T>&);
  const LossKernel* losses;     // by loss
  const MetricKernel* metrics;  // by metric
};

}  // namespace fastopt
