// Arithmetic on whole arrays.
#pragma once

#include "core/buffer.h"
#include "kernels/elementwise/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

// y = f(x), f being one of the kernels of elementwise functions; y may be x.
template <class T>
void apply(void (*f)(const T* x, T* y, Index size), const T* x, T* y, Index size) {
  parallel_for(size, alignment, 2 * elementwise_cost * static_cast<double>(size),
               [&](Range share) { f(x + share.begin, y + share.begin, share.size()); });
}

// out = a b; it may be one of them.
template <class T>
void multiply(const T* a, const T* b, T* out, Index size) {
  parallel_for(size, alignment, elementwise_cost * static_cast<double>(size), [&](Range share) {
    kernels<T>().elementwise.multiply(a + share.begin, b + share.begin, out + share.begin, share.size());
  });
}

}  // namespace fastopt::ops
