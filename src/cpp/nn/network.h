// A feed-forward network over flat buffers, its passes as SPMD functions of a team.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/layers.h"
#include "nn/watch.h"
#include "ops/loss.h"
#include "ops/metric.h"

namespace fastopt {

// Samples as they were given: any element type, strides in bytes.
struct Samples {
  Type type;
  const void* data;
  Index rows, columns, row_stride, column_stride;
};

// Which samples make a batch: those at index[0..rows-1] or, without an index, first..first+rows-1.
struct Batch {
  Index rows;
  const Index* index = nullptr;
  Index first = 0;
};

template <class T>
struct Objective {
  int loss;
  LossHyper hyper;
  std::vector<MetricChoice> metrics;
  const Index* labels = nullptr;  // of all samples
  const T* dense = nullptr;
  const T* weight = nullptr;
};

// Sums over samples, weighted.
struct Totals {
  Index batches = 0, samples = 0;
  double weight = 0, loss = 0;
  std::vector<double> metrics;
};

template <class T>
class Network {
 public:
  // Values and, in training, gradients of the rows of one batch, for all layers, in one allocation.
  struct Arena {
    struct Level {
      Rows<T> y, dy, kept;
      T* workspace;
      // The layers whose values are this one's x, and to whose gradients its dx belongs; -1: the samples.
      Index values, target;
      bool hands_on;  // it computes nothing, going forward
    };
    Buffer<T> memory;
    Index rows = 0;
    std::size_t metrics = 0;
    const KernelTable* table = nullptr;  // packed sizes depend on it
    Rows<T> x;                           // samples that are not of type T or not contiguous
    std::vector<Level> levels;
    Mode mode{false};
    Rows<T> activated;  // last values, for metrics that want them activated
    T* loss = nullptr;
    T* penalty = nullptr;  // of each row, where there are layers that penalise
    std::vector<T*> metric;
  };

  Network(Index inputs, const std::vector<LayerSpec>& specs, std::uint64_t seed);

  Index inputs() const { return layers_.front()->inputs(); }
  Index outputs() const { return layers_.back()->outputs(); }
  const std::vector<std::unique_ptr<Layer<T>>>& layers() const { return layers_; }
  T* parameters() { return parameters_.data(); }
  T* gradients() { return gradients_.data(); }
  Index parameter_size() const { return parameters_.size(); }
  T* state() { return state_.data(); }

  // Training passes so far: with the seed they decide the random numbers of the next.
  std::int64_t draws = 0;
  // Off: layers that add noise in training do not.
  bool noise = true;
  bool finite() const;  // all parameters

  // Throws std::invalid_argument where the last activation, the loss and the metrics do not go together.
  void check(const Objective<T>& objective) const;

  // Each of these ends early where the poll asks to stop; what it wrote is then of no use.

  // A pass in training mode that keeps what `backward` needs.
  void forward(const Samples& x, T* out, const Poll& poll);
  Index forward_rows() const { return forward_rows_; }  // 0: there is none, or it has gone backward
  // Fills the gradients from dy [rows, outputs]; dx is [rows, inputs]. Once for each forward pass, because the state of
  // layers takes its step. False, with nothing done, where the last forward pass had another number of rows.
  bool backward(Index rows, const T* dy, T* dx, const Poll& poll);
  // Whether parameters or values cost anything; and what they do after the last forward pass: rows times the penalty
  // whose gradient `backward` adds.
  bool penalises() const { return !regularised_.empty() || !penalising_.empty(); }
  double penalty();
  void predict(const Samples& x, Index batch_size, T* out, const Poll& poll);
  void evaluate(const Samples& x, const Objective<T>& objective, Index batch_size, const Poll& poll, Totals& totals);

  // For training: memory for batches of `rows`. Then, on every rank of a team, the losses and metrics of a batch and
  // the gradients of its layers' outputs, with a barrier after it; then, after another barrier of the caller's, the
  // gradients of the parameters, of sum(weight * loss) / rows, whose parts `done` hears of.
  void reserve(Index rows, const Objective<T>& objective);
  void pass(const Team& team, const Samples& x, const Batch& batch, const Objective<T>& objective, Watch& watch,
            Index done);
  void backward_parameters(const Team& team, const Samples& x, const Batch& batch, const PartDone& done);
  void add_totals(const Batch& batch, const Objective<T>& objective, Totals& totals) const {
    add(training_, batch, objective, totals);
  }
  // Brings the parameters that are constrained back to their sets, after a step: by every rank, with a barrier before
  // and after, or by a team of its own.
  bool constrained() const { return !constrained_.empty(); }
  void constrain(const Team& team);
  void constrain();
  double step_cost(Index rows) const { return 3 * pass_cost() * static_cast<double>(rows); }

 private:
  void reserve(Arena& arena, Index rows, std::size_t metrics, Mode mode);
  void reserve_training(Index rows, std::size_t metrics) { reserve(training_, rows, metrics, {true, noise}); }
  double pass_cost() const;
  Index slab_rows() const;
  template <class F>
  void for_each_slab(const Team& team, Range rows, double row_cost, Watch& watch, Index done, F&& work) const;
  bool fused(int loss) const { return loss_kernel(loss).activation == activation_kernel(last_activation()).name; }
  int last_activation() const { return activations_[last_]; }
  Rows<T> outputs_of(const Arena& arena) const { return arena.levels[last_].y; }

  // Layers that follow each other without one that couples rows, but for the first of them.
  Range stage(std::size_t number) const {
    return {stages_[number], number + 1 < stages_.size() ? stages_[number + 1] : static_cast<Index>(layers_.size())};
  }
  bool couples(Index layer) const { return layers_[static_cast<std::size_t>(layer)]->couples_rows(); }

  Flow<T> flow(Arena& arena, std::size_t layer, Rows<const T> x, Index first);
  Rows<const T> rows_of(Arena& arena, const Samples& x, const Batch& batch, Range rows) const;
  Rows<const T> load_rows(Arena& arena, const Samples& x, const Batch& batch, Range rows) const;
  void prepare(const Team& team, Arena& arena, bool backward, bool to_input);
  template <class Load, class Last>
  void forward_stages(const Team& team, Index rows, Watch& watch, Index done, bool activate_last, Load&& load,
                      Last&& last);
  void backward_stages(const Team& team, Rows<const T> x, Index rows, Rows<T> dx, Watch& watch, Index done);
  void forward_rows(Arena& arena, Range stage, Rows<const T> x, Range rows, bool activate_last);
  void loss_rows(Arena& arena, const Batch& batch, Range rows, const Objective<T>& objective, bool backward);
  void penalise_rows(Arena& arena, Range rows, bool logits);
  void measure_parameters(const Team& team);
  void penalise_gradients(Range part);
  double penalty_of(const Arena& arena, Index rows) const;
  void backward_rows(std::size_t stage, Rows<const T> x, Range rows, Rows<T> dx);
  void backward_input(std::size_t layer, Rows<const T> x, Range rows, Rows<T> dx);
  void backward_parameters(const Team& team, Rows<const T> x, Index rows, const PartDone& done);
  void add(const Arena& arena, const Batch& batch, const Objective<T>& objective, Totals& totals) const;

  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<int> activations_;
  std::vector<Index> stages_{0};      // their first layers
  std::vector<std::size_t> partner_;  // of each end of a residual block the other
  std::size_t last_ = 0;              // the layer that computes the outputs
  Index first_trained_ = 0;           // the first layer with trained tensors
  bool prepares_forward_ = false, gathers_gradients_ = false;
  std::vector<std::size_t> penalising_;  // layers
  std::vector<const TensorSpec*> regularised_, constrained_;
  std::vector<double> penalties_;  // of the chunks of the regularised tensors
  std::uint64_t seed_;
  Buffer<T> parameters_, gradients_, state_;
  Arena training_, inference_;
  Index forward_rows_ = 0, batch_rows_ = 0;
};

}  // namespace fastopt
