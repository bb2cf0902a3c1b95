// The contract of a layer: what the network tells it and what it must do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "runtime/buffer.h"
#include "runtime/team.h"

namespace fastopt {

struct TensorSpec {
  std::string name;
  std::vector<Index> shape;
  Index size;
  Index offset = 0;  // in the flat buffers, in elements; set by the network
};

// What a layer works on in one batch. Rows are split among the team, each thread keeping its own from the first layer
// to the last; `y` is activated by `activation`. Going back, `dy` is the gradient with respect to what the layer
// computes before its activation, and `dx` receives the same for the layer below, whose activation is `x_activation`
// and whose values are `x`.
template <class T>
struct Flow {
  const T* parameters;
  T* gradients;
  T* workspace;
  Rows<const T> x;
  Rows<T> y;
  int activation;
  int x_activation;
  Rows<const T> dy;
  Rows<T> dx;
};

// Called with a range of the flat buffers; false asks to stop.
using PartDone = std::function<bool(Range)>;

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

  // Arithmetic operations of one row in one pass.
  virtual double cost() const = 0;

  // Elements of the workspace that the team shares.
  virtual Index workspace() const = 0;

  // What `backward_input` needs of the parameters, split among the team; the network puts a barrier behind it.
  virtual void prepare_backward(const Team& team, const Flow<T>& flow) const = 0;

  // The flow's rows are those of this thread alone.
  virtual void forward(Index rows, const Flow<T>& flow) const = 0;
  virtual void backward_input(Index rows, const Flow<T>& flow) const = 0;

  // The flow's rows are those of the whole batch; the parameters are split among the team, at multiples of whole
  // vectors from the start of a tensor. `done` is told of each part of the gradients that is finished, while it is in
  // cache. False: it asked to stop; ranks stop at different places, so no rank waits for another in here.
  virtual bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const = 0;

 protected:
  std::vector<TensorSpec> tensors_;

 private:
  Index inputs_, outputs_;
};

}  // namespace fastopt
