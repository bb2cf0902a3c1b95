// The arguments of PReLU.
#pragma once

#include "core/types.h"

namespace fastopt {

// y = v where x > 0, alpha v elsewhere, alpha being that of the channel. Going forward v is x; going back v is dy, and
// y is dx.
template <class T>
struct PreluPass {
  Index rows;
  Features features;
  const T* alpha;
  Rows<const T> x, v;
  Rows<T> y;  // may be v

  PreluPass part(Range share) const { return for_rows(*this, share, &PreluPass::x, &PreluPass::v, &PreluPass::y); }
};

// dalpha = sum of x dy over all rows and all of space, where not x > 0.
template <class T>
struct PreluSums {
  Index rows;
  Features features;
  Rows<const T> x, dy;
  T* dalpha;
};

template <class T>
struct PreluKernels {
  void (*pass)(const PreluPass<T>&);                  // split by rows
  void (*sums)(const PreluSums<T>&, Range channels);  // split by channels, anywhere
};

}  // namespace fastopt
