#include "nn/plan.h"

#include <algorithm>
#include <stdexcept>

#include "nn/layers/activation.h"

namespace fastopt {

namespace {

template <class T>
bool has_row_phase(const std::vector<Phase<T>>& phases) {
  return std::ranges::any_of(phases, [](const Phase<T>& phase) { return phase.over == Over::rows; });
}

// Computes in every mode.
template <class T>
bool always_computes(const Node<T>& node) {
  return node.computes({true}) && node.computes({false});
}

// The identity in every mode, without a penalty of its values.
template <class T>
bool transparent(const Node<T>& node) {
  return !node.computes({true}) && !node.computes({false}) && !node.layer.activity.any();
}

template <class T>
class Maker {
 public:
  Maker(const std::vector<Index>& inputs, const std::vector<LayerSpec>& layers, std::vector<Index> outputs,
        std::uint64_t seed) {
    plan_.seed = seed;
    add_inputs(inputs);
    for (const LayerSpec& spec : layers) {
      add_layer(spec);
    }
    set_outputs(std::move(outputs));
    count_uses();
    check_ids();
    center_inputs();
    check_outputs();
    merge_activations();
    attach_activities();
  }

  Plan<T> plan() && { return std::move(plan_); }

 private:
  Index size() const { return static_cast<Index>(plan_.nodes.size()); }
  Node<T>& node(Index i) { return plan_.nodes[static_cast<std::size_t>(i)]; }

  void add_inputs(const std::vector<Index>& inputs) {
    if (inputs.empty()) {
      throw std::invalid_argument("a network needs an input");
    }
    for (const Index columns : inputs) {
      if (columns < 1) {
        throw std::invalid_argument("input_size must be at least 1, got " + std::to_string(columns));
      }
      plan_.nodes.push_back({.kind = "input", .inputs = {}, .layer = {.outputs = columns}, .owner = size()});
    }
    plan_.inputs = size();
  }

  // A node counted from the one that comes next.
  Index before(Index offset, const char* what) const {
    if (offset >= 0 || offset < -size()) {
      throw std::invalid_argument(std::string(what) + " must be a node before the layer, from " +
                                  std::to_string(-size()) + " to -1, got " + std::to_string(offset));
    }
    return size() + offset;
  }

  void add_layer(const LayerSpec& spec) {
    std::vector<Index> inputs, sizes;
    for (const Index offset : spec.inputs) {
      inputs.push_back(before(offset, "inputs"));
      sizes.push_back(plan_.columns(inputs.back()));
    }
    Node<T> made{.kind = spec.kind,
                 .inputs = inputs,
                 .layer = make_layer<T>(sizes, spec),
                 .owner = size(),
                 .trainable = spec.trainable};
    made.activation = made.layer.activation;
    if (spec.shares != 0) {
      share(made, before(spec.shares, "shares"));
    } else {
      for (TensorSpec& tensor : made.layer.tensors) {
        Index& end = tensor.trained ? plan_.parameters : plan_.state;
        tensor.offset = end;
        // 2^60 bytes are refused here, before any memory is asked for.
        if (__builtin_add_overflow(end, round_up(tensor.size, alignment), &end)) {
          throw std::length_error("the network has too many parameters");
        }
      }
    }
    plan_.nodes.push_back(std::move(made));
  }

  void share(Node<T>& made, Index with) {
    const Node<T>& other = plan_.node(plan_.node(with).owner);
    const auto same = [](const TensorSpec& a, const TensorSpec& b) { return a.name == b.name && a.shape == b.shape; };
    if (!std::ranges::equal(made.layer.tensors, other.layer.tensors, same)) {
      throw std::invalid_argument("a layer of kind '" + made.kind + "' cannot use the tensors of one of kind '" +
                                  other.kind + "' with inputs of another size");
    }
    made.owner = other.owner;
    made.shares = node(other.owner).shares = true;
    made.layer.tensors.clear();
  }

  void set_outputs(std::vector<Index> outputs) {
    if (outputs.empty()) {
      outputs.push_back(size() - 1);
    }
    for (const Index output : outputs) {
      if (output < 0 || output >= size()) {
        throw std::invalid_argument("outputs must be nodes from 0 to " + std::to_string(size() - 1) + ", got " +
                                    std::to_string(output));
      }
    }
    plan_.outputs = std::move(outputs);
  }

  void check_outputs() const {
    for (const Index output : plan_.outputs) {
      const Index source = plan_.source(output, {false});
      if (source < plan_.inputs) {
        throw std::invalid_argument("a network needs at least one layer that computes");
      }
      if (plan_.source(output, {true}) != source) {
        throw std::invalid_argument("the last layer may not add noise");
      }
    }
  }

  void count_uses() {
    uses_.resize(plan_.nodes.size());
    for (const Node<T>& n : plan_.nodes) {
      for (const Index input : n.inputs) {
        ++uses_[static_cast<std::size_t>(input)];
      }
    }
    for (const Index output : plan_.outputs) {
      ++uses_[static_cast<std::size_t>(output)];
    }
    for (Index i = 0; i < size(); ++i) {
      if (uses_[static_cast<std::size_t>(i)] == 0) {
        throw std::invalid_argument(i < plan_.inputs ? "no output needs input " + std::to_string(i)
                                                     : "no output needs layer " + std::to_string(i - plan_.inputs) +
                                                           ", of kind '" + node(i).kind + "'");
      }
    }
  }

  // The node whose values a node takes, but for nodes between them that change nothing and that nobody else needs.
  Index computed_below(Index i) {
    Index below = node(i).inputs.front();
    while (below >= plan_.inputs && transparent(node(below)) && uses_[static_cast<std::size_t>(below)] == 1) {
      below = node(below).inputs.front();
    }
    return below;
  }

  void check_ids() {
    for (Index i = plan_.inputs; i < size(); ++i) {
      Index below = i;
      while (below == i || (below >= plan_.inputs && transparent(node(below)))) {
        below = node(below).inputs.front();
      }
      if (node(i).layer.takes_ids && below >= plan_.inputs) {
        throw std::invalid_argument("a layer of kind '" + node(i).kind + "' takes ids, which only an input has");
      }
    }
  }

  // Samples that only a center takes are centered while they are read, in double precision.
  void center_inputs() {
    plan_.centers.assign(static_cast<std::size_t>(plan_.inputs), -1);
    for (Index i = plan_.inputs; i < size(); ++i) {
      const auto below = static_cast<std::size_t>(node(i).kind == "center" ? computed_below(i) : plan_.inputs);
      if (below < plan_.centers.size() && uses_[below] == 1) {
        plan_.centers[below] = i;
        node(i).layer.training = node(i).layer.inference = {};
      }
    }
  }

  // What only activates ends the layer below it, if nothing else needs that layer's values.
  void merge_activations() {
    for (Index i = plan_.inputs; i < size(); ++i) {
      if (!node(i).layer.only_activates) {
        continue;
      }
      const Index below = computed_below(i);
      if (below >= plan_.inputs && always_computes(node(below)) && node(below).activation == linear &&
          uses_[static_cast<std::size_t>(below)] == 1) {
        node(below).activation = node(i).activation;
        node(i).activation = linear;
        node(i).layer = identity<T>(node(i).layer.outputs);
      }
    }
  }

  void attach_activities() {
    for (Index i = plan_.inputs; i < size(); ++i) {
      if (node(i).layer.activity.any()) {
        Node<T>& below = node(node(i).inputs.front());
        if (!always_computes(below)) {
          throw std::invalid_argument("a layer of kind '" + node(i).kind + "' must follow one that computes");
        }
        below.activity = node(i).layer.activity;
      }
    }
  }

  Plan<T> plan_;
  std::vector<int> uses_;
};

}  // namespace

template <class T>
bool Node<T>::computes(Mode mode) const {
  return has_row_phase(phases(mode).forward);
}

template <class T>
Index Plan<T>::source(Index i, Mode mode) const {
  while (i >= inputs && !node(i).computes(mode)) {
    i = node(i).inputs.front();
  }
  return i;
}

template <class T>
bool Plan<T>::learns(Index i) const {
  return node(i).trainable && std::ranges::any_of(tensors(i), &TensorSpec::trained);
}

template <class T>
double Plan<T>::cost() const {
  double cost = 0;
  for (const Node<T>& n : nodes) {
    cost += n.layer.cost;
  }
  return cost;
}

template <class T>
bool Plan<T>::penalizes_values() const {
  return std::ranges::any_of(nodes, [](const Node<T>& n) { return n.activity.any(); });
}

template <class T>
bool Plan<T>::has_curvature(Mode mode) const {
  return std::ranges::all_of(nodes, [&](const Node<T>& n) { return !n.computes(mode) || n.computes({.along = true}); });
}

template <class T>
Plan<T> make_plan(const std::vector<Index>& inputs, const std::vector<LayerSpec>& layers, std::vector<Index> outputs,
                  std::uint64_t seed) {
  return Maker<T>(inputs, layers, std::move(outputs), seed).plan();
}

template struct Node<float>;
template struct Node<double>;
template struct Plan<float>;
template struct Plan<double>;
template Plan<float> make_plan(const std::vector<Index>&, const std::vector<LayerSpec>&, std::vector<Index>,
                               std::uint64_t);
template Plan<double> make_plan(const std::vector<Index>&, const std::vector<LayerSpec>&, std::vector<Index>,
                                std::uint64_t);

}  // namespace fastopt
