// What a layer is made of: a header X.h of this folder enrols its kinds of layers as `X_kinds<T>()`; the build makes
// "nn/layers/list.h" of all headers here.
#pragma once

#include <cmath>
#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/window.h"
#include "nn/layer.h"

namespace fastopt {

struct LayerSpec {
  std::string kind;
  std::string activation = "linear";
  std::map<std::string, double> numbers = {};
  std::vector<Index> inputs = {-1};  // nodes, counted from this one
  Index shares = 0;                  // the node whose tensors it uses, counted from this one
  bool trainable = true;
};

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
inline Features features(Index inputs, Numbers& n) {
  const Index channels = n.count("channels");
  if (inputs % channels != 0) {
    throw std::invalid_argument(std::to_string(inputs) + " features are not a multiple of " + std::to_string(channels) +
                                " channels");
  }
  return {.channels = channels, .space = inputs / channels, .channels_last = n.flag("channels_last")};
}

// The numbers of a layer that looks at an image through a window, and no product of them overflows.
inline Window window(Numbers& n) {
  const auto whole = [&](const char* name) {
    const double value = n.real(name);
    if (!(std::abs(value) <= 0x1p53)) {
      throw std::invalid_argument(std::string(name) + " must be a whole number, got " + std::to_string(value));
    }
    return static_cast<Index>(value);
  };
  const Window w{.height = n.count("height"),
                 .width = n.count("width"),
                 .channels = n.count("channels"),
                 .channels_last = n.flag("channels_last"),
                 .kernel_height = n.count("kernel_height"),
                 .kernel_width = n.count("kernel_width"),
                 .stride_height = n.count("stride_height"),
                 .stride_width = n.count("stride_width"),
                 .dilation_height = n.count("dilation_height"),
                 .dilation_width = n.count("dilation_width"),
                 .pad_top = whole("pad_top"),
                 .pad_left = whole("pad_left"),
                 .out_height = n.count("out_height"),
                 .out_width = n.count("out_width")};
  checked_product(checked_product(w.height, w.width), w.channels);
  // The numbers of places and of taps, and how far they go.
  for (const auto& [count, step] :
       {std::pair(w.out_height, w.out_width), std::pair(w.kernel_height, w.kernel_width),
        std::pair(w.out_height, w.stride_height), std::pair(w.out_width, w.stride_width),
        std::pair(w.kernel_height, w.dilation_height), std::pair(w.kernel_width, w.dilation_width)}) {
    checked_product(count, step);
  }
  return w;
}

// How a layer is made of the sizes of its inputs.
using Sizes = std::span<const Index>;
template <class T>
struct Kind {
  Layer<T> (*make)(Sizes inputs, const LayerSpec& spec, Numbers& numbers);
  bool merges = false;     // takes any number of inputs from two
  bool activates = false;  // its activation is its own matter
};
template <class T>
using Kinds = std::map<std::string, Kind<T>>;

template <class T>
Kinds<T> joined(std::initializer_list<Kinds<T>> lists) {
  Kinds<T> all;
  for (const Kinds<T>& kinds : lists) {
    all.insert(kinds.begin(), kinds.end());
  }
  return all;
}

}  // namespace fastopt
