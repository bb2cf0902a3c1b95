// A window that moves over an image: of a convolution, or of pooling.
#pragma once

#include "core/types.h"

namespace fastopt {

// What each place of the output sees of an image: kernel_height x kernel_width taps. The image is [height, width,
// channels] or, channels first, [channels, height, width]; the first tap of the first window is at (-pad_top,
// -pad_left).
struct Window {
  Index height, width, channels;
  bool channels_last;
  Index kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
  Index pad_top, pad_left, out_height, out_width;

  Index size() const { return height * width * channels; }
  Index taps() const { return kernel_height * kernel_width; }
  Index places() const { return out_height * out_width; }
};

}  // namespace fastopt
