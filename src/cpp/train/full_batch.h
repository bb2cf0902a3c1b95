// The cost of all samples and its gradient, at any parameters: what methods that look at all data stand on.
#pragma once

#include <optional>
#include <span>

#include "train/curvature.h"
#include "train/others.h"

namespace fastopt {

// sum_i w_i L_i / n and what layers cost. Parameters and gradient are laid out as those of the plan; a line more is
// read behind the parameters. Samples go through in chunks that depend on the plan alone, whose gradients are summed in
// double precision, so that memory does not grow with their number, and no bit depends on threads; or, where `whole` or
// where layers measure all rows, as one batch.
template <class T>
class Cost {
 public:
  // In the mode that layers are in: by default with everything fixed that training measures, as in `evaluate`.
  Cost(Network<T>& network, std::span<const Samples> x, const Batch& samples, const Objective<T>& objective, Mode mode,
       bool whole, Watch& watch, const Others<T>* others = nullptr);

  Batch batch;             // the samples that are looked at: at first all
  Index number = 0;        // of the batch, where others have some of its shards
  std::int64_t draws = 0;  // decides the noise of layers
  Index done = 0;          // batches before, which the watch is told

  // With the gradient where there is room for it, in which case `state` takes its step, as in training. Ends early,
  // without a value, where the watch or a loss asks to stop.
  std::optional<double> operator()(const T* parameters, T* state, std::span<double> gradient);
  // Whether layers and losses have what products with the Hessian take.
  bool has_curvature() const { return network_.plan.has_curvature(mode_) && !objective_.asks() && !others_; }
  // The Hessian times a direction, as `CurvatureProducts`.
  bool multiply_hessian(const T* parameters, const T* direction, std::span<double> product);
  // Of the last call.
  const Totals& totals() const { return totals_; }

 private:
  double penalties(const T* parameters, std::span<double> gradient);
  bool unite(const Shards& shards, std::span<Totals> here, std::vector<std::vector<double>>& sums,
             std::span<double> gradient);

  Network<T>& network_;
  Memory<T>& memory_;
  std::span<const Samples> x_;
  Index all_;  // samples
  const Objective<T>& objective_;
  Mode mode_;
  bool whole_;
  Watch& watch_;
  const Others<T>* others_;
  Buffer<T> part_;  // the gradient of a chunk
  CurvatureProducts<T> curvature_;
  Totals totals_;
};

}  // namespace fastopt
