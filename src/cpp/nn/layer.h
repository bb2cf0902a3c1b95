// The contract of a layer: what the network tells it and what it must do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "core/types.h"
#include "nn/constraint.h"
#include "nn/penalty.h"
#include "ops/activation.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt {

struct TensorSpec {
  std::string name;
  std::vector<Index> shape;
  Index size;
  bool trained = true;  // else it belongs to the network's state
  Index offset = 0;     // in the flat buffers, in elements; set by the network
  Penalty penalty = {};
  Constraint constraint = {};
};

// Random numbers of one layer in one batch: those of row i of the batch are stream first_stream + i of the key.
struct Draw {
  std::uint64_t key, first_stream;
};

// What a layer works on in one batch. Rows are split among the team, each thread keeping its own from the first layer
// to the last; `y` is activated by `activation`. Going back, `dy` is the gradient with respect to what the layer
// computes before its activation, and `dx` receives the same for the layer below, whose activation is `x_activation`
// and whose values are `x`.
template <class T>
struct Flow {
  const T* parameters;
  T* gradients;
  T* state;
  T* workspace;
  bool training;
  Index batch;  // rows of the whole batch
  Rows<const T> x;
  Rows<T> y;
  Rows<T> kept;  // what this layer keeps of each row, from forward to backward
  int activation;
  int x_activation;
  Rows<const T> dy;
  Rows<T> dx;
  // The two ends of a residual block: at its end the values that enter the block, at its start the gradient of its end.
  Rows<const T> other;
  Draw draw;
};

// Called with a range of the flat buffers; false asks to stop.
using PartDone = std::function<bool(Range)>;

// Whether a layer hands on what it gets, going forward, or in both directions.
enum class Passes : std::uint8_t { nothing, values, all };

struct Mode {
  bool training;
  bool noise = training;  // layers that add noise in training do
};

template <class T>
class Layer {
 public:
  Layer(Index inputs, Index outputs) : inputs_(inputs), outputs_(outputs) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  Index inputs() const { return inputs_; }
  Index outputs() const { return outputs_; }
  std::vector<TensorSpec>& tensors() { return tensors_; }
  const std::vector<TensorSpec>& tensors() const { return tensors_; }

  // Of one row in one pass, as `threads_for` takes it.
  virtual double cost() const { return elementwise_cost * static_cast<double>(outputs_); }

  // Elements of the workspace that the team shares, and of what is kept of a row.
  virtual Index workspace() const { return 0; }
  virtual Index kept() const { return 0; }

  virtual Passes passes(Mode) const { return Passes::nothing; }

  // Whether it adds to the loss: to each row's `penalty` by its x. Then `backward_input` adds to dx, even where it
  // passes all.
  virtual bool penalises() const { return false; }
  virtual void penalise(Index /*rows*/, const Flow<T>&, T* /*penalty*/) const {}

  // What the passes need of the parameters, split among the team; a barrier follows each. `prepare_forward` is called
  // only if `prepares_forward`.
  virtual bool prepares_forward() const { return false; }
  virtual void prepare_forward(const Team&, const Flow<T>&) const {}
  virtual void prepare_backward(const Team&, const Flow<T>&) const {}

  // Whether in training the values of a row depend on the other rows. Then `gather_forward` and `gather_backward` see
  // all `rows` of x, or of x and dy, before the rows are taken one by one; the columns are split among the team.
  virtual bool couples_rows() const { return false; }
  virtual void gather_forward(const Team&, Index /*rows*/, const Flow<T>&) const {}
  virtual void gather_backward(const Team&, Index /*rows*/, const Flow<T>&) const {}

  // The flow's rows are those of this thread alone.
  virtual void forward(Index rows, const Flow<T>& flow) const = 0;
  virtual void backward_input(Index rows, const Flow<T>& flow) const = 0;

  // The flow's rows are those of the whole batch; the parameters are split among the team, at multiples of whole
  // vectors from the start of a tensor. `done` is told of each part of the gradients that is finished, while it is in
  // cache. False: it asked to stop; ranks stop at different places, so no rank waits for another in here.
  // What a part needs of the others is gathered before, split among the team; a barrier follows.
  virtual bool gathers_gradients() const { return false; }
  virtual void gather_gradients(const Team&, Index /*batch*/, const Flow<T>&) const {}
  virtual bool backward_parameters(const Team&, Index /*batch*/, const Flow<T>&, const PartDone&) const { return true; }

 protected:
  // y <- activation(y), and dx <- dx x_activation'(x), where no kernel has done it.
  void activate(Index rows, const Flow<T>& flow) const {
    if (flow.activation != linear) {
      activation_kernel<T>(flow.activation).activate({flow.y.data, flow.y.stride}, flow.y, rows, outputs_);
    }
  }
  void differentiate(Index rows, const Flow<T>& flow) const {
    if (flow.x_activation != linear) {
      activation_kernel<T>(flow.x_activation)
          .differentiate(flow.x, {flow.dx.data, flow.dx.stride}, flow.dx, rows, inputs_);
    }
  }

  // Returns its place among the tensors.
  int add_tensor(std::string name, std::vector<Index> shape, bool trained = true) {
    Index size = 1;
    for (const Index n : shape) {
      size = checked_product(size, n);
    }
    tensors_.push_back({.name = std::move(name), .shape = std::move(shape), .size = size, .trained = trained});
    return static_cast<int>(tensors_.size()) - 1;
  }

  std::vector<TensorSpec> tensors_;

 private:
  Index inputs_, outputs_;
};

}  // namespace fastopt
