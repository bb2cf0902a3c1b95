// Convolutions of images: y = f(conv(x, W) + b) with W [kernel height, kernel width, channels of a group, filters]; of
// series, images of height 1, without the height.
#pragma once

#include <cmath>
#include <stdexcept>

#include "nn/layers/kind.h"
#include "ops/conv.h"

namespace fastopt {

template <class T>
Layer<T> convolution(const ops::Convolution& c, bool bias, bool series);

// The numbers of a layer that looks through a window. It may begin outside the image, but not end beyond as many
// pixels behind it.
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
  // No product of these is larger than one of the last place or tap with its stride.
  for (const auto& [count, step] :
       {std::pair(w.out_height, w.stride_height), std::pair(w.out_width, w.stride_width),
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
             return convolution<T>(c, n.flag("use_bias"), n.count("axes") == 1);
           }}}};
}

}  // namespace fastopt
