// Noise on whole arrays [rows, columns]: the random numbers of row i are those of stream `stream` + i.
#pragma once

#include "kernels/dropout/args.h"
#include "kernels/elementwise/args.h"
#include "runtime/cpu.h"
#include "runtime/random.h"
#include "runtime/team.h"

namespace fastopt::ops {

// y = x mask; y may be x.
template <class T>
void dropout(std::uint64_t seed, std::uint64_t stream, double rate, const T* x, T* mask, T* y, Index rows,
             Index columns) {
  parallel_for(rows, 1, elementwise_cost * static_cast<double>(rows * columns), [&](Range share) {
    for (Index i = share.begin; i < share.end; ++i) {
      const Index place = i * columns;
      kernels<T>().dropout.mask(seed, stream + static_cast<std::uint64_t>(i), rate, mask + place, columns);
      kernels<T>().elementwise.multiply(x + place, mask + place, y + place, columns);
    }
  });
}

// y = x + stddev n with n from N(0, 1); y may be x.
template <class T>
void gaussian_noise(std::uint64_t seed, std::uint64_t stream, double stddev, const T* x, T* y, Index rows,
                    Index columns) {
  parallel_for(rows, 1, normal_cost * static_cast<double>(rows * columns), [&](Range share) {
    for (Index i = share.begin; i < share.end; ++i) {
      const Index place = i * columns;
      add_random_normal(seed, stream + static_cast<std::uint64_t>(i), columns, stddev, x + place, y + place);
    }
  });
}

}  // namespace fastopt::ops
