// Sums of whole arrays, and whether they are finite.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "core/buffer.h"
#include "kernels/reduce/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::ops {

// Of each column of x [rows, columns].
template <class T>
void column_sum(const T* x, Index rows, Index columns, T* sum) {
  parallel_for(columns, alignment, reading_cost * static_cast<double>(rows * columns),
               [&](Range share) { kernels<T>().reduce.column_sum({x, columns}, rows, share, sum); });
}

// Sums of fixed chunks, added in order: the same for any number of threads.
template <class T>
double sum_of_chunks(const T* x, Index size, double (*reduce)(const T*, Index)) {
  constexpr Index chunk = 1 << 14;
  const Index chunks = (size + chunk - 1) / chunk;
  std::vector<double> parts(static_cast<std::size_t>(chunks));
  parallel_for(chunks, 1, reading_cost * static_cast<double>(size), [&](Range share) {
    for (Index c = share.begin; c < share.end; ++c) {
      parts[static_cast<std::size_t>(c)] = reduce(x + c * chunk, std::min(chunk, size - c * chunk));
    }
  });
  return kernels<double>().reduce.sum(parts.data(), chunks);
}

template <class T>
double sum(const T* x, Index size) {
  return sum_of_chunks(x, size, kernels<T>().reduce.sum);
}

template <class T>
double norm(const T* x, Index size) {
  return std::sqrt(sum_of_chunks(x, size, kernels<T>().reduce.sum_of_squares));
}

// Whether no element is NaN or infinite.
template <class T>
bool finite(const Buffer<T>& x) {
  const auto is_finite = [&](Range part) {
    return kernels<T>().reduce.first_nonfinite(x.data() + part.begin, part.size()) < 0;
  };
  const double cost = reading_cost * static_cast<double>(x.size());
  if (threads_for(cost) == 1) {
    return is_finite({0, x.size()});
  }
  std::atomic<bool> all{true};
  parallel_for(x.size(), alignment, cost, [&](Range part) {
    if (!is_finite(part)) {
      all = false;
    }
  });
  return all;
}

}  // namespace fastopt::ops
