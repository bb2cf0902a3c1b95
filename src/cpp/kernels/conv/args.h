// The arguments of the kernels of convolutions.
#pragma once

#include <cstddef>

#include "core/types.h"
#include "kernels/window.h"

namespace fastopt {

// Some channels of some taps, as some places of the output see them, with 0 beyond the image: each has a row [taps,
// channels].
struct Patches {
  const Window& window;
  Range places, taps, channels;
  Index stride;  // of the rows: their size and a gap
};

// Bytes that a convolution may use for patches and what is made of them, beside those of its products.
inline constexpr std::size_t patch_scratch = std::size_t{256} << 10;

inline constexpr Index patch_gap = 16;  // elements between rows of patches, at least a vector

template <class T>
struct ConvKernels {
  // Rows from an image; up to `patch_gap` elements are written behind each.
  void (*gather)(const Patches& patches, const T* image, T* rows);
  // The way back: adds the rows to the image.
  void (*scatter)(const Patches& patches, const T* rows, T* image);
  // b^T where b is [rows, columns].
  void (*transpose)(const T* b, Index stride, Index rows, Index columns, T* to, Index to_stride);
  // A convolution of each channel by itself, channels last, with so many outputs of each and weights [taps, channels,
  // outputs]: y = bias + conv(x, w), or y += that; dx += conv'(dy, w); dw = x' dy, or dw += that.
  void (*convolve_channels)(const Window&, Index multiplier, const T* x, const T* w, const T* bias, bool accumulate,
                            T* y);
  void (*spread_channels)(const Window&, Index multiplier, const T* dy, const T* w, T* dx);
  void (*correlate_channels)(const Window&, Index multiplier, const T* x, const T* dy, bool accumulate, T* dw);
};

}  // namespace fastopt
