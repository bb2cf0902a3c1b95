// What a layer is: its sizes, its tensors, and its phases, which are all that it does.
#pragma once

#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "core/types.h"
#include "nn/constraint.h"
#include "nn/penalty.h"
#include "nn/shards.h"
#include "nn/sink.h"
#include "ops/activation.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt {

struct TensorSpec {
  std::string name;
  std::vector<Index> shape;
  Index size;
  bool trained = true;  // else it belongs to the state
  Index offset = 0;     // in the flat vectors, in elements; set by the plan
  Penalty penalty = {};
  Constraint constraint = {};
};

// A layer's tensors in the flat vectors; -1 is a tensor that it lacks, whose values are null.
template <class T>
struct Tensors {
  const std::vector<TensorSpec>* specs;
  const T* parameters;
  T* state_values;

  Index offset(int tensor) const { return (*specs)[static_cast<std::size_t>(tensor)].offset; }
  const T* parameter(int tensor) const { return tensor < 0 || !parameters ? nullptr : parameters + offset(tensor); }
  T* state(int tensor) const { return state_values + offset(tensor); }
};

// An input: its values, which its own layer has activated by `activation`, and where going back puts the gradient with
// respect to them before that: dx f'(x), or dx where `activation` is linear. Null: nobody needs it. Where `sparse` is
// given, it is x, and nobody needs dx.
template <class T>
struct In {
  Rows<const T> x;
  Rows<T> dx;
  Index columns;
  int activation;
  SparseRows<T> sparse = {};
};

// The output: y is to be activated by `activation`, and dy is the gradient with respect to y before that, which is 0
// where `linearized`: only derivatives go back. `saved` is what the layer keeps of each row from forward to backward.
template <class T>
struct Out {
  Rows<T> y;
  Rows<const T> dy;
  Rows<std::byte> saved;
  Index columns;
  int activation;
  bool linearized = false;
};

// Random numbers of one layer in one batch: those of row i are stream first_stream + i of the key; and the part of its
// noise that the layer adds.
struct Draw {
  std::uint64_t key, first_stream;
  double part;
};

// Where rows come from.
template <class T>
struct Slab {
  Index first;  // the number of the first of them in the batch
  Index batch;  // rows of the whole batch
  bool all;     // it is all samples that there are: what is measured of it is no estimate
  Draw draw;
  // Where they are what one process has of a batch: its shards, and room for the numbers that a layer measures of each.
  const Shards* shards = nullptr;
  T* measured = nullptr;
  bool joined = false;  // of the shards of all processes that is known
};

// What a phase works on.
template <class T>
struct View {
  Index rows;  // of x, y, dy, dx and `saved`
  Slab<T> slab;
  Tensors<T> tensors;
  T* workspace;  // the layer's, shared by the team
  std::span<const In<T>> in;
  Out<T> out;
  Sink<T>* sink;  // of the gradient of the parameters
  // The derivatives along a direction of the parameters of all that this view has, in a pass that computes them: x and
  // y, dx and dy, and for the parameters the direction, null where they are frozen. Its activations are linear.
  const View<T>* along = nullptr;
};

// How a phase is split among the team. Over `rows`: it is called with the rows of one thread, slab by slab, so that
// what it does for a row may depend on this row alone. Else by all ranks with all rows, and takes its rank's share of
// the columns or the parameters; the phases before are done, on all ranks. Phases before the batch, over parameters in
// `forward` or `backward`, have no rows. No phase waits for another rank. `once` is for stages without phases.
enum class Over : std::uint8_t { parameters, columns, rows, once };

template <class T>
struct Phase {
  Over over;
  std::function<void(const View<T>&, const Team&)> run;
  bool values = false;    // among those with derivatives: it computes y alone, which is left out where y is known
  bool measures = false;  // of one over columns: where shards are joined, it is called for each of them, then `joined`
};

// What a pass does: in `forward` y from x; in `backward` dx from dy, of which those over columns serve the gradient as
// well; in `gradient` that of the parameters, whose parts over parameters go to the sink. A layer without phases over
// rows is the identity: in `forward` of its input, in `backward` of the gradient.
template <class T>
struct Phases {
  std::vector<Phase<T>> forward, backward, gradient;
};

template <class T>
struct Layer {
  Index outputs = 0;
  std::vector<TensorSpec> tensors = {};
  double cost = 0;                          // of one row in one pass, as `threads_for` takes it
  Index saved = 0;                          // bytes of each row
  Index measures = 0;                       // numbers that it measures of all rows, at a time
  std::function<Index()> workspace = {};    // elements, on the present instruction set
  bool noise = false;                       // in training it adds noise, unless that is turned off
  bool shares_gradient = false;             // dx is dy: it need not be copied
  bool reads_sparse = false;                // in training and inference: x may be sparse
  bool takes_ids = false;                   // x holds ids, which only an input of the network has
  bool lazy = false;                        // where the sink takes rows, those without a gradient stay as they are
  bool only_activates = false;              // so that the layer below could do it instead
  int activation = linear;                  // that ends it
  Penalty activity = {};                    // on the values of its input, for each row
  Phases<T> training = {}, inference = {};  // the latter with everything fixed that training measures
  // As inference, with the derivatives `along`: y and dy/ds before the activation, for which the pass does the rest; dx
  // and its derivative before the activation of x; and of the gradient the derivative alone. Of each list one phase is
  // over rows, and in `forward` one more that computes values. A layer without them has no products with the Hessian.
  Phases<T> curvature = {};
};

template <class T, class F>
Phase<T> over_rows(const F& run) {
  return {Over::rows, [run](const View<T>& v, const Team&) { run(v); }};
}
template <class T, class F>
Phase<T> over_columns(const F& run) {
  return {Over::columns, run};
}
template <class T, class F>
Phase<T> over_parameters(const F& run) {
  return {Over::parameters, run};
}

// A layer that does element by element, or row by row, the same in training and in inference.
template <class T>
Layer<T> row_layer(Index outputs, Phase<T> forward, Phase<T> backward) {
  Layer<T> layer{.outputs = outputs, .cost = elementwise_cost * static_cast<double>(outputs)};
  layer.training = layer.inference = {{std::move(forward)}, {std::move(backward)}, {}};
  return layer;
}

// For a layer that is linear in its inputs: derivatives go the way of values.
template <class T>
void add_linear_curvature(Layer<T>& layer) {
  const auto both = [](const Phase<T>& phase) {
    return over_rows<T>([run = phase.run](const View<T>& v) {
      const Team alone(0, 1, nullptr);
      run(v, alone);
      run(*v.along, alone);
    });
  };
  layer.curvature = {{both(layer.inference.forward.front())}, {both(layer.inference.backward.front())}, {}};
}

// How many rows of `size` elements are whole cache lines, so that no two threads write to one.
template <class T>
Index whole_lines(Index size) {
  constexpr Index line = alignment / Index{sizeof(T)};
  return line / std::gcd(line, size);
}

// Returns its place among the tensors.
template <class T>
int add_tensor(Layer<T>& layer, const std::string& name, const std::vector<Index>& shape, bool trained = true) {
  Index size = 1;
  for (const Index n : shape) {
    size = checked_product(size, n);
  }
  layer.tensors.push_back({.name = name, .shape = shape, .size = size, .trained = trained});
  return static_cast<int>(layer.tensors.size()) - 1;
}

// y <- activation(y), and dx <- dx activation'(x), where no kernel has done it.
template <class T>
void activate(const View<T>& v) {
  const Out<T>& out = v.out;
  if (out.activation != linear) {
    activation_kernel<T>(out.activation).activate(out.y, out.y, v.rows, out.columns);
  }
}
template <class T>
void differentiate(const View<T>& v, std::size_t input = 0) {
  const In<T>& in = v.in[input];
  if (in.activation != linear) {
    activation_kernel<T>(in.activation).differentiate(in.x, in.dx, in.dx, v.rows, in.columns);
  }
}

// dx <- columns first, first + 1, ... of dy.
template <class T>
void copy_gradient(const View<T>& v, std::size_t input = 0, Index first = 0) {
  const In<T>& in = v.in[input];
  for (Index i = 0; i < v.rows; ++i) {
    std::copy_n(v.out.dy.row(i) + first, in.columns, in.dx.row(i));
  }
  differentiate(v, input);
}

}  // namespace fastopt
