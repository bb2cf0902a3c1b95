// Convolutions of images: y = f(conv(x, W) + b) with W [kernel height, kernel width, channels of a group, filters]; of
// series, images of height 1, without the height; and of each channel by itself, [..., channels, multiplier].
#pragma once

#include <cmath>
#include <stdexcept>

#include "nn/layers/kind.h"
#include "ops/conv.h"

namespace fastopt {

template <class T>
Layer<T> convolution(const ops::Convolution& c, const std::vector<Index>& kernel, bool bias);

inline Window window_of_convolution(Index inputs, Numbers& n) {
  const Window w = window(n);
  for (const auto& [name, pad] : {std::pair("pad_top", w.pad_top), std::pair("pad_left", w.pad_left)}) {
    if (pad < 0) {
      throw std::invalid_argument(std::string(name) + " must be at least 0, got " + std::to_string(pad));
    }
  }
  if (w.size() != inputs) {
    throw std::invalid_argument("an image of " + std::to_string(w.height) + " x " + std::to_string(w.width) + " x " +
                                std::to_string(w.channels) + " is no row of " + std::to_string(inputs) + " values");
  }
  return w;
}

template <class T>
Kinds<T> conv_kinds() {
  return {{"convolution", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const ops::Convolution c{window_of_convolution(in[0], n), n.count("groups"), n.count("filters")};
             if (c.window.channels % c.groups != 0 || c.filters % c.groups != 0) {
               throw std::invalid_argument(std::to_string(c.window.channels) + " channels and " +
                                           std::to_string(c.filters) + " filters cannot be split into " +
                                           std::to_string(c.groups) + " groups");
             }
             std::vector<Index> kernel{c.window.kernel_width, c.channels(), c.filters};
             if (n.count("axes") == 2) {
               kernel.insert(kernel.begin(), c.window.kernel_height);
             }
             return convolution<T>(c, kernel, n.flag("use_bias"));
           }}},
          {"depthwise_convolution", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const Window w = window_of_convolution(in[0], n);
             const Index multiplier = n.count("multiplier");
             return convolution<T>({w, w.channels, checked_product(w.channels, multiplier)},
                                   {w.kernel_height, w.kernel_width, w.channels, multiplier}, n.flag("use_bias"));
           }}}};
}

}  // namespace fastopt
