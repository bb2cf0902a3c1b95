// What layers do with one row.
#pragma once

#include "kernels/philox.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void multiply_by(const T* a, const T* b, T* out, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(load(a + i) * load(b + i), out + i); });
}

template <class T>
void add_to(const T* a, const T* b, T* out, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(load(a + i) + load(b + i), out + i); });
}

// 0 with probability `rate`, else 1 / (1 - rate): from one 32-bit word of the stream each.
template <class T>
void mask(std::uint64_t key, std::uint64_t stream, double rate, T* out, Index size) {
  const auto least = static_cast<std::uint32_t>(rate * 0x1p32);
  const T kept = static_cast<T>(1 / (1 - rate));
  for_some_words(key, stream, 0, size, [&](Index first, const std::uint32_t* words, Index count) {
    for (Index j = 0; j < count; ++j) {
      out[first + j] = words[j] < least ? T(0) : kept;
    }
  });
}

}  // namespace fastopt::FASTOPT_ISA
