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

// The numbers of a layer that looks through a window.
inline Window window(Index inputs, Numbers& n) {
  const auto at_least_0 = [&](const char* name) {
    const double value = n.real(name);
    if (!(value >= 0 && value <= 0x1p53)) {
      throw std::invalid_argument(std::string(name) + " must be at least 0, got " + std::to_string(value));
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
                 .pad_top = at_least_0("pad_top"),
                 .pad_left = at_least_0("pad_left"),
                 .out_height = n.count("out_height"),
                 .out_width = n.count("out_width")};
  if (checked_product(checked_product(w.height, w.width), w.channels) != inputs) {
    throw std::invalid_argument("an image of " + std::to_string(w.height) + " x " + std::to_string(w.width) + " x " +
                                std::to_string(w.channels) + " is no row of " + std::to_string(inputs) + " values");
  }
  // The numbers of places and of taps, and how far they go.
  for (const auto& [count, step] :
       {std::pair(w.out_height, w.out_width), std::pair(w.kernel_height, w.kernel_width),
        std::pair(w.out_height, w.stride_height), std::pair(w.out_width, w.stride_width),
        std::pair(w.kernel_height, w.dilation_height), std::pair(w.kernel_width, w.dilation_width)}) {
    checked_product(count, step);
  }
  return w;
}

template <class T>
Kinds<T> conv_kinds() {
  return {{"convolution", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const ops::Convolution c{window(in[0], n), n.count("groups"), n.count("filters")};
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
             const Window w = window(in[0], n);
             const Index multiplier = n.count("multiplier");
             return convolution<T>({w, w.channels, checked_product(w.channels, multiplier)},
                                   {w.kernel_height, w.kernel_width, w.channels, multiplier}, n.flag("use_bias"));
           }}}};
}

}  // namespace fastopt
