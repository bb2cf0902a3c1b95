// The arguments of the kernels of convolutions.
#pragma once

#include <cstddef>

#include "core/types.h"

namespace fastopt {

// What each place of the output sees of an image: kernel_height x kernel_width taps. The image is [height, width,
// channels] or, channels first, [channels, height, width], and beyond it all is 0.
struct Window {
  Index height, width, channels;
  bool channels_last;
  Index kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
  Index pad_top, pad_left, out_height, out_width;

  Index size() const { return height * width * channels; }
  Index taps() const { return kernel_height * kernel_width; }
  Index places() const { return out_height * out_width; }
};

// Some channels of some taps, as some places of the output see them: each has a row [taps, channels].
struct Patches {
  const Window& window;
  Range places, taps, channels;
  Index stride;  // of the rows
};

// Bytes that a convolution may use for patches and what is made of them, beside those of its products.
inline constexpr std::size_t patch_scratch = std::size_t{256} << 10;

template <class T>
struct ConvKernels {
  // Rows from an image; a vector may be written beyond the last one.
  void (*gather)(const Patches& patches, const T* image, T* rows);
  // The way back: adds the rows to the image.
  void (*scatter)(const Patches& patches, const T* rows, T* image);
  // b^T where b is [rows, columns].
  void (*transpose)(const T* b, Index stride, Index rows, Index columns, T* to, Index to_stride);
};

}  // namespace fastopt
