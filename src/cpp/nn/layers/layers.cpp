#include "nn/layers/layers.h"

#include <set>
#include <stdexcept>

#include "nn/layers/activation.h"
#include "nn/layers/batch_normalization.h"
#include "nn/layers/dense.h"
#include "nn/layers/group_normalization.h"
#include "nn/layers/maxout.h"
#include "nn/layers/merge.h"
#include "nn/layers/noise.h"
#include "nn/layers/prelu.h"
#include "nn/layers/scale.h"
#include "nn/layers/weight_normalization.h"

namespace fastopt {

namespace {

// The numbers of a spec, each asked for by its kind.
class Numbers {
 public:
  explicit Numbers(const LayerSpec& spec) : spec_(spec) {}

  double real(const std::string& name) {
    asked_.insert(name);
    const auto found = spec_.numbers.find(name);
    if (found == spec_.numbers.end()) {
      throw std::invalid_argument("a layer of kind '" + spec_.kind + "' needs the setting '" + name + "'");
    }
    return found->second;
  }
  double optional(const std::string& name, double otherwise = 0) {
    asked_.insert(name);
    const auto found = spec_.numbers.find(name);
    return found == spec_.numbers.end() ? otherwise : found->second;
  }
  bool flag(const std::string& name) { return real(name) != 0; }
  Index count(const std::string& name) {
    const double value = real(name);
    if (!(value >= 1)) {
      throw std::invalid_argument(name + " must be at least 1, got " + std::to_string(value));
    }
    if (value > 0x1p53) {
      throw std::length_error("the network has too many parameters: " + name + " is too large");
    }
    return static_cast<Index>(value);
  }
  void check_all_asked() const {
    for (const auto& [name, value] : spec_.numbers) {
      if (!asked_.contains(name)) {
        throw std::invalid_argument("a layer of kind '" + spec_.kind + "' has no setting '" + name + "'");
      }
    }
  }

 private:
  const LayerSpec& spec_;
  std::set<std::string> asked_;
};

// The features of a row as channels.
Features features(Index inputs, Numbers& n) {
  const Index channels = n.count("channels");
  if (inputs % channels != 0) {
    throw std::invalid_argument(std::to_string(inputs) + " features are not a multiple of " + std::to_string(channels) +
                                " channels");
  }
  return {.channels = channels, .space = inputs / channels, .channels_last = n.flag("channels_last")};
}

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
  }
}

// How a layer is made of the sizes of its inputs.
template <class T>
struct Kind {
  Layer<T> (*make)(std::span<const Index> inputs, const LayerSpec& spec, Numbers& numbers);
  bool merges = false;     // takes any number of inputs from two
  bool activates = false;  // its activation is its own matter
};

template <class T>
const std::map<std::string, Kind<T>>& kinds() {
  using Sizes = std::span<const Index>;
  static const std::map<std::string, Kind<T>> list{
      {"dense", {[](Sizes in, const LayerSpec&, Numbers& n) {
         const Index units = n.count("units");
         return dense<T>(in[0], units, n.flag("use_bias"), n.optional("trained", 1) != 0);
       }}},
      {"weight_normalization", {[](Sizes in, const LayerSpec&, Numbers& n) {
         const Index units = n.count("units");
         return weight_normalization<T>(in[0], units, n.flag("use_bias"));
       }}},
      {"scale", {[](Sizes in, const LayerSpec&, Numbers&) { return scale<T>(in[0]); }}},
      {"activation",
       {[](Sizes in, const LayerSpec& spec, Numbers&) {
          const int function = find_activation(spec.activation);
          return activation_kernel(function).from_input ? activation<T>(in[0], function) : copy<T>(in[0]);
        },
        false, true}},
      {"softmax",
       {[](Sizes in, const LayerSpec&, Numbers& n) { return softmax_of_places<T>(in[0], n.count("places")); }}},
      {"pass", {[](Sizes in, const LayerSpec&, Numbers&) { return identity<T>(in[0]); }}},
      {"activity", {[](Sizes in, const LayerSpec&, Numbers& n) {
         Layer<T> layer = identity<T>(in[0]);
         layer.activity = {n.optional("l1"), n.optional("l2")};
         return layer;
       }}},
      {"dropout", {[](Sizes in, const LayerSpec&, Numbers& n) { return dropout<T>(in[0], n.real("rate")); }}},
      {"gaussian_noise",
       {[](Sizes in, const LayerSpec&, Numbers& n) { return gaussian_noise<T>(in[0], n.real("stddev")); }}},
      {"prelu", {[](Sizes in, const LayerSpec&, Numbers& n) { return prelu<T>(features(in[0], n)); }}},
      {"max_pieces", {[](Sizes in, const LayerSpec&, Numbers& n) { return max_pieces<T>(in[0], n.count("pieces")); }}},
      {"batch_normalization", {[](Sizes in, const LayerSpec&, Numbers& n) {
         return batch_normalization<T>({.features = features(in[0], n),
                                        .momentum = n.real("momentum"),
                                        .epsilon = n.real("epsilon"),
                                        .scale = n.flag("scale"),
                                        .center = n.flag("center"),
                                        .corrected = n.flag("bias_correction")});
       }}},
      {"group_normalization", {[](Sizes in, const LayerSpec&, Numbers& n) {
         const auto places = static_cast<Index>(n.optional("places", 1));
         return group_normalization<T>({.features = features(in[0] / places, n),
                                        .groups = n.count("groups"),
                                        .epsilon = n.real("epsilon"),
                                        .centred = n.flag("centred"),
                                        .scale = n.flag("scale"),
                                        .center = n.flag("center"),
                                        .per_element = n.flag("per_element"),
                                        .places = places});
       }}},
      {"add", {[](Sizes in, const LayerSpec&, Numbers&) { return add<T>(in); }, true}},
      {"concatenate", {[](Sizes in, const LayerSpec&, Numbers&) { return concatenate<T>(in); }, true}},
  };
  return list;
}

}  // namespace

template <class T>
Layer<T> make_layer(std::span<const Index> inputs, const LayerSpec& spec) {
  const auto found = kinds<T>().find(spec.kind);
  if (found == kinds<T>().end()) {
    std::string known;
    for (const auto& [name, kind] : kinds<T>()) {
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
  layer.activation = from_input ? linear : activation;
  for (TensorSpec& tensor : layer.tensors) {
    regularise(tensor, numbers);
  }
  numbers.check_all_asked();
  return layer;
}

template Layer<float> make_layer(std::span<const Index>, const LayerSpec&);
template Layer<double> make_layer(std::span<const Index>, const LayerSpec&);

}  // namespace fastopt
