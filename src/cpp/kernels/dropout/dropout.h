// The mask of dropout.
#pragma once

#include "kernels/dropout/args.h"
#include "kernels/philox.h"

namespace fastopt::FASTOPT_ISA {

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
