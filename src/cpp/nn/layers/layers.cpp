#include "nn/layers/layers.h"

#include "nn/layers/list.h"

namespace fastopt {

namespace {

// What the numbers say of a tensor: kernel_l1, kernel_max_norm, ...
void regularise(TensorSpec& tensor, Numbers& n) {
  tensor.penalty = {n.optional(tensor.name + "_l1"), n.optional(tensor.name + "_l2")};
  Constraint& c = tensor.constraint;
  c.of_columns = n.optional(tensor.name + "_axis") == 0;
  c.limit = n.optional(tensor.name + "_max_norm");
  if (c.limit > 0) {
    c.kind = Constraint::Kind::max_norm;
  } else if (n.optional(tensor.name + "_unit_norm") != 0) {
    c.kind = Constraint::Kind::unit_norm;
    c.limit = 1;
  } else if (n.optional(tensor.name + "_non_negative") != 0) {
    c.kind = Constraint::Kind::non_negative;
  } else if (n.optional(tensor.name + "_signs") != 0) {
    c.kind = Constraint::Kind::signs;
    for (Index i = 0; i < tensor.size / tensor.shape.back(); ++i) {
      c.signs.push_back(static_cast<int>(n.optional(tensor.name + "_sign_" + std::to_string(i))));
    }
  }
}

}  // namespace

template <class T>
Layer<T> make_layer(std::span<const Index> inputs, const LayerSpec& spec) {
  const auto found = all_kinds<T>().find(spec.kind);
  if (found == all_kinds<T>().end()) {
    std::string known;
    for (const auto& [name, kind] : all_kinds<T>()) {
      known += (known.empty() ? "" : ", ") + name;
    }
    throw std::invalid_argument("unknown kind of layer '" + spec.kind + "'; known are " + known);
  }
  const Kind<T>& kind = found->second;
  if (kind.merges ? inputs.size() < 2 : inputs.size() != 1) {
    throw std::invalid_argument("a layer of kind '" + spec.kind + "' has " +
                                (kind.merges ? "at least two inputs" : "one input") + ", not " +
                                std::to_string(inputs.size()));
  }
  const int activation = find_activation(spec.activation);
  const bool from_input = activation_kernel(activation).from_input;
  if (from_input && !kind.activates) {
    throw std::invalid_argument(spec.activation + " cannot end another layer: it needs one of its own");
  }
  Numbers numbers(spec);
  Layer<T> layer = kind.make(inputs, spec, numbers);
  if (!kind.activates) {
    layer.activation = activation;
  }
  for (TensorSpec& tensor : layer.tensors) {
    regularise(tensor, numbers);
  }
  numbers.check_all_asked();
  return layer;
}

template Layer<float> make_layer(std::span<const Index>, const LayerSpec&);
template Layer<double> make_layer(std::span<const Index>, const LayerSpec&);

}  // namespace fastopt
