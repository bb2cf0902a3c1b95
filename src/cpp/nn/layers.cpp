#include "nn/layers.h"

#include <set>
#include <stdexcept>

#include "nn/activation.h"
#include "nn/activity.h"
#include "nn/batch_normalization.h"
#include "nn/dense.h"
#include "nn/dropout.h"
#include "nn/group_normalization.h"
#include "nn/maxout.h"
#include "nn/prelu.h"
#include "nn/residual.h"
#include "nn/scale.h"
#include "nn/weight_normalization.h"

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
  double optional(const std::string& name, double usual = 0) {
    asked_.insert(name);
    const auto found = spec_.numbers.find(name);
    return found == spec_.numbers.end() ? usual : found->second;
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
  c.most = n.optional(tensor.name + "_max_norm");
  if (c.most > 0) {
    c.kind = Constraint::Kind::max_norm;
  } else if (n.optional(tensor.name + "_unit_norm") != 0) {
    c.kind = Constraint::Kind::unit_norm;
    c.most = 1;
  } else if (n.optional(tensor.name + "_non_negative") != 0) {
    c.kind = Constraint::Kind::non_negative;
  }
}

template <class T>
using Make = std::unique_ptr<Layer<T>> (*)(Index inputs, const LayerSpec& spec, Numbers& numbers);

template <class T>
const std::map<std::string, Make<T>>& kinds() {
  static const std::map<std::string, Make<T>> list{
      {"dense",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         const Index units = n.count("units");
         return std::make_unique<Dense<T>>(inputs, units, n.flag("use_bias"), n.optional("trained", 1) != 0);
       }},
      {"weight_normalization",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         const Index units = n.count("units");
         return std::make_unique<WeightNormalization<T>>(inputs, units, n.flag("use_bias"));
       }},
      {"scale",
       [](Index inputs, const LayerSpec&, Numbers&) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<Scale<T>>(inputs);
       }},
      {"activity",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<Activity<T>>(inputs, Penalty{n.optional("l1"), n.optional("l2")});
       }},
      {"activation",
       [](Index inputs, const LayerSpec& spec, Numbers&) -> std::unique_ptr<Layer<T>> {
         const int function = find_activation(spec.activation);
         if (activation_kernel(function).from_input) {
           return std::make_unique<Activation<T>>(inputs, function);
         }
         return std::make_unique<Copy<T>>(inputs);
       }},
      {"pass",
       [](Index inputs, const LayerSpec&, Numbers&) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<Pass<T>>(inputs);
       }},
      {"dropout",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<Dropout<T>>(inputs, n.real("rate"));
       }},
      {"gaussian_noise",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<GaussianNoise<T>>(inputs, n.real("stddev"));
       }},
      {"prelu",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<Prelu<T>>(features(inputs, n));
       }},
      {"max_pieces",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<MaxPieces<T>>(inputs, n.count("pieces"));
       }},
      {"batch_normalization",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<BatchNormalization<T>>(
             typename BatchNormalization<T>::Settings{.features = features(inputs, n),
                                                      .momentum = n.real("momentum"),
                                                      .epsilon = n.real("epsilon"),
                                                      .scale = n.flag("scale"),
                                                      .center = n.flag("center"),
                                                      .corrected = n.flag("bias_correction")});
       }},
      {"group_normalization",
       [](Index inputs, const LayerSpec&, Numbers& n) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<GroupNormalization<T>>(
             typename GroupNormalization<T>::Settings{.features = features(inputs, n),
                                                      .groups = n.count("groups"),
                                                      .epsilon = n.real("epsilon"),
                                                      .centred = n.flag("centred"),
                                                      .scale = n.flag("scale"),
                                                      .center = n.flag("center"),
                                                      .per_element = n.flag("per_element")});
       }},
      {"residual_start",
       [](Index inputs, const LayerSpec&, Numbers&) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<ResidualStart<T>>(inputs);
       }},
      {"residual_end",
       [](Index inputs, const LayerSpec&, Numbers&) -> std::unique_ptr<Layer<T>> {
         return std::make_unique<ResidualEnd<T>>(inputs);
       }},
  };
  return list;
}

}  // namespace

template <class T>
std::unique_ptr<Layer<T>> make_layer(Index inputs, const LayerSpec& spec) {
  const auto found = kinds<T>().find(spec.kind);
  if (found == kinds<T>().end()) {
    std::string known;
    for (const auto& [name, make] : kinds<T>()) {
      known += (known.empty() ? "" : ", ") + name;
    }
    throw std::invalid_argument("unknown kind of layer '" + spec.kind + "'; known are " + known);
  }
  Numbers numbers(spec);
  std::unique_ptr<Layer<T>> layer = found->second(inputs, spec, numbers);
  for (TensorSpec& tensor : layer->tensors()) {
    regularise(tensor, numbers);
  }
  numbers.check_all_asked();
  return layer;
}

template std::unique_ptr<Layer<float>> make_layer(Index, const LayerSpec&);
template std::unique_ptr<Layer<double>> make_layer(Index, const LayerSpec&);

}  // namespace fastopt
