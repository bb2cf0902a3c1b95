// What a network computes, as data: nodes with their inputs, and where tensors lie in the flat vectors of parameters
// and state. It owns no values: it runs on any vectors of these sizes.
#pragma once

#include <string>
#include <vector>

#include "nn/layers/layers.h"

namespace fastopt {

// Whether layers do what they do in training; and those that add noise do so.
struct Mode {
  bool training = false;
  bool noise = training;
  bool along = false;  // as in inference, with derivatives along a direction of the parameters

  bool operator==(const Mode&) const = default;
};

template <class T>
struct Node {
  std::string kind;
  std::vector<Index> inputs;  // nodes
  Layer<T> layer;
  Index owner;              // the node whose tensors it uses: most often itself
  bool shares = false;      // its tensors with another node
  int activation = linear;  // of its values
  Penalty activity = {};    // on its values, for each row
  bool trainable = true;    // frozen: no gradient, and running statistics are used and stand still

  const Phases<T>& phases(Mode mode) const {
    if (mode.along) {
      return layer.curvature;
    }
    return mode.training && (layer.noise ? mode.noise : trainable) ? layer.training : layer.inference;
  }
  // Else its values are those of its input, and so is their gradient.
  bool computes(Mode mode) const;
};

template <class T>
struct Plan {
  Index inputs = 0;                 // the first nodes, which only have values
  std::vector<Index> centers;       // of each, the node of kind "center" that is done as samples are read, or -1
  std::vector<Node<T>> nodes;       // each after its inputs
  std::vector<Index> outputs;       // nodes
  Index parameters = 0, state = 0;  // sizes of the flat vectors; one more line may be read behind them
  std::uint64_t seed = 0;

  Index columns(Index node) const { return nodes[static_cast<std::size_t>(node)].layer.outputs; }
  const Node<T>& node(Index i) const { return nodes[static_cast<std::size_t>(i)]; }
  // The tensors that a node uses.
  const std::vector<TensorSpec>& tensors(Index i) const { return node(node(i).owner).layer.tensors; }
  // The node that computes the values of another, which may be an input.
  Index source(Index node, Mode mode) const;
  // Whether a gradient is computed for a node's parameters.
  bool learns(Index node) const;
  double cost() const;  // of one row in one pass
  bool penalizes_values() const;
  // Whether all layers that compute in this mode have the phases for the derivatives along a direction.
  bool has_curvature(Mode mode) const;

  // f(tensor) for the trained tensors that are not frozen.
  template <class F>
  void for_each_learning(F&& f) const {
    for (const Node<T>& node : nodes) {
      for (const TensorSpec& tensor : node.layer.tensors) {
        if (tensor.trained && node.trainable) {
          f(tensor);
        }
      }
    }
  }
};

// Sizes of the inputs, layers, and the nodes that are outputs, counted over inputs and layers from 0; the last one if
// there is none. Throws std::invalid_argument where they do not go together, std::length_error where they are too many.
template <class T>
Plan<T> make_plan(const std::vector<Index>& inputs, const std::vector<LayerSpec>& layers, std::vector<Index> outputs,
                  std::uint64_t seed);

}  // namespace fastopt
