// The arguments of the kernels of pooling.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/types.h"

namespace fastopt {

// Windows over an image of one sample, [height, width, channels] or [channels, height, width]: that of output (i, j)
// has its first place at (i stride_height - pad_top, j stride_width - pad_left), which may lie outside.
struct Pool {
  Index height, width, channels;
  bool channels_last;
  Index pool_height, pool_width, stride_height, stride_width, pad_top, pad_left, out_height, out_width;

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
  Range rows(Index i) const { return inside(i * stride_height - pad_top, pool_height, height); }
  Range columns(Index j) const { return inside(j * stride_width - pad_left, pool_width, width); }
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
