// The arguments of the kernels that move, turn, distort and spoil images: rows of [height, width, channels].
#pragma once

#include "core/types.h"

namespace fastopt {

struct ImageSize {
  Index height, width, channels;
};

// y[i, j] = x[i + down, j + right], mirrored along the width where `flip`; 0 where there is no such pixel.
template <class T>
struct Move {
  ImageSize size;
  const T* x;
  T* y;
  Index down = 0, right = 0;
  bool flip = false;
};

// y[i, j] = x at (i', j'), between pixels by bilinear interpolation; 0 beyond the outermost pixels. With u and v, the
// distances of i and j from the centre of the image: i' = centre + yy u + yx v + down + dy[i, j], and so j'.
template <class T>
struct Warp {
  ImageSize size;
  const T* x;  // behind it, (width + 2) channels zeros
  T* y;
  double yy = 1, yx = 0, xy = 0, xx = 1, down = 0, right = 0;
  // [height, stride], to be multiplied by the factors; or neither.
  const T *dy = nullptr, *dx = nullptr;
  Index stride = 0;
  T dy_factor = 1, dx_factor = 1;
  T* memory;  // as much as `warp_memory` says
};

// y <- y + a_factor a + b_factor b
template <class T>
struct AddNoise {
  const T *a, *b;
  T a_factor, b_factor;
  T* y;
  Index size;
};

template <class T>
struct AugmentKernels {
  void (*move)(const Move<T>&);
  Index (*warp_memory)(Index width);  // in elements
  void (*warp)(const Warp<T>&);
  void (*add_noise)(const AddNoise<T>&);
};

}  // namespace fastopt
