// The arguments of the kernels of pooling.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/types.h"
#include "kernels/window.h"

namespace fastopt {

// A window without dilation over an image, of which it may lie outside in part.
struct Pool : Window {
  // The image is so many planes of places with so many channels each.
  Index planes() const { return channels_last ? 1 : channels; }
  Index depth() const { return channels_last ? channels : 1; }
  // The first place of a window among the values of a plane, which may lie outside.
  Index corner(Index i, Index j) const {
    return ((i * stride_height - pad_top) * width + j * stride_width - pad_left) * depth();
  }
  // What of a window is inside the image, of its rows or columns.
  static Range inside(Index first, Index size, Index all) {
    return {first < 0 ? 0 : first, first + size < all ? first + size : all};
  }
  Range rows(Index i) const { return inside(i * stride_height - pad_top, kernel_height, height); }
  Range columns(Index j) const { return inside(j * stride_width - pad_left, kernel_width, width); }
};

// The number of values from the corner of a window to one of its places; its bits go through vectors as those of a T.
template <class T>
using PoolPlace = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

template <class T>
struct PoolKernels {
  // The largest value of each window, of equals the first, of NaNs the last; and its place, the bits of a PoolPlace.
  void (*largest)(const Pool& pool, const T* x, T* y, T* place);
  // The sum of each window, or its mean; and the transpose of that.
  void (*sum)(const Pool& pool, bool mean, const T* x, T* y);
  void (*spread)(const Pool& pool, bool mean, const T* dy, T* dx);
};

}  // namespace fastopt
