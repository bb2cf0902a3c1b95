// The arguments of the kernels of convolutions.
#pragma once

#include <cstddef>

#include "core/types.h"
#include "kernels/window.h"

namespace fastopt {

// Bytes that a convolution may use for parts of an image and of its output, beside those of its products.
inline constexpr std::size_t image_scratch = std::size_t{256} << 10;

// A convolution of each of some channels by itself at a rectangle of places, all of whose windows are inside the image.
// From one row of the image to the next there are `line` elements, from pixel to pixel `pixel`. Each channel has
// `multiplier` outputs side by side; the weights are [taps, channels, multiplier], and from tap to tap or from place to
// place there may be more outputs than these.
struct Channelwise {
  Window window;        // for its taps, strides and dilations
  Index rows, columns;  // of places
  Index line, pixel;
  Index channels, multiplier, weight_step, place_step;

  Index outputs() const { return channels * multiplier; }
};

template <class T>
struct ConvKernels {
  // b^T where b is [rows, columns].
  void (*transpose)(const T* b, Index stride, Index rows, Index columns, T* to, Index to_stride);
  // y = bias + conv(x, w), or y += that; dx += conv'(dy, w); dw = x' dy, or dw += that.
  void (*convolve_channels)(const Channelwise&, const T* x, const T* w, const T* bias, bool accumulate, T* y);
  void (*spread_channels)(const Channelwise&, const T* dy, const T* w, T* dx);
  void (*correlate_channels)(const Channelwise&, const T* x, const T* dy, bool accumulate, T* dw);
};

}  // namespace fastopt
