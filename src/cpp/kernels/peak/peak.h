// The two loops that measure a machine's roof: multiply-adds on registers, and memory streams.
#pragma once

#include "kernels/norm/panels.h"
#include "kernels/peak/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
double fma_chain(Index rounds) {
  constexpr int chains = vector_registers == 32 ? 24 : 12;
  Vec<T> sum[chains];
  unroll<chains>([&](auto i) { sum[i] = T(i); });
  Vec<T> a = T(0.999), b = T(1e-3);
  for (Index r = 0; r < rounds; ++r) {
    unroll<chains>([&](auto i) __attribute__((always_inline)) { sum[i] = sum[i] * a + b; });
  }
  Vec<T> total = 0;
  unroll<chains>([&](auto i) { total += sum[i]; });
  volatile T sink = total[0];
  static_cast<void>(sink);
  return 2.0 * chains * lanes<T> * static_cast<double>(rounds);
}

// Adds `reads` arrays and writes the sum over the first `writes` of them: the traffic of an update rule without its
// arithmetic.
template <int reads, int writes>
void stream(float* const* arrays, Index size) {
  const auto total_of = [&](Index i, auto load) __attribute__((always_inline)) {
    Vec<float> total = 0;
    unroll<reads>([&](auto r) __attribute__((always_inline)) { total += load(arrays[r] + i); });
    return total;
  };
  if constexpr (writes == 0) {
    Sums<float, 1> sums;
    sums.add(size,
             [&](Index i, auto load, Vec<float>& sum) __attribute__((always_inline)) { sum += total_of(i, load); });
    volatile float sink = sums.total(0);
    static_cast<void>(sink);
  } else {
    for_each_vector<float>(size, [&](Index i, auto load, auto store) {
      const Vec<float> total = total_of(i, load);
      unroll<writes>([&](auto w) { store(total, arrays[w] + i); });
    });
  }
}

}  // namespace fastopt::FASTOPT_ISA
