// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): block i of a
// stream is a function of (key, stream, i), whoever computes it.
#pragma once

#include <algorithm>
#include <cstring>

#include "core/types.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr Index most_philox_blocks = 64;

// Blocks first.. of a stream, word by word. The loops have no constant bound, so that they become vectors and are not
// unrolled.
[[gnu::always_inline]] inline void some_blocks(std::uint64_t key, std::uint64_t stream, std::uint64_t first,
                                               Index blocks, std::uint32_t (*out)[4]) {
  std::uint32_t c[4][most_philox_blocks];
  for (Index i = 0; i < blocks; ++i) {
    const std::uint64_t block = first + static_cast<std::uint64_t>(i);
    c[0][i] = static_cast<std::uint32_t>(block);
    c[1][i] = static_cast<std::uint32_t>(block >> 32);
    c[2][i] = static_cast<std::uint32_t>(stream);
    c[3][i] = static_cast<std::uint32_t>(stream >> 32);
  }
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (Index i = 0; i < blocks; ++i) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c[0][i], p1 = std::uint64_t{0xCD9E8D57U} * c[2][i];
      c[0][i] = static_cast<std::uint32_t>(p1 >> 32) ^ c[1][i] ^ k0;
      c[1][i] = static_cast<std::uint32_t>(p1);
      c[2][i] = static_cast<std::uint32_t>(p0 >> 32) ^ c[3][i] ^ k1;
      c[3][i] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  for (Index i = 0; i < blocks; ++i) {
    for (int j = 0; j < 4; ++j) {
      out[i][j] = c[j][i];
    }
  }
}

// Calls use(first word, words, count) for some words of a stream at a time.
template <class F>
[[gnu::always_inline]] inline void for_some_words(std::uint64_t key, std::uint64_t stream, std::uint64_t first_block,
                                                  Index words, F&& use) {
  std::uint32_t out[most_philox_blocks][4];
  for (Index first = 0; first < words; first += 4 * most_philox_blocks) {
    const Index count = std::min(4 * most_philox_blocks, words - first);
    const std::uint64_t block = first_block + static_cast<std::uint64_t>(first / 4);
    if (count <= 8) {
      some_blocks(key, stream, block, (count + 3) / 4, out);
    } else {
      some_blocks(key, stream, block, (count + 63) / 64 * 16, out);  // whole vectors
    }
    use(first, &out[0][0], count);
  }
}

inline void philox(std::uint64_t key, std::uint64_t stream, std::uint64_t first_block, Index words,
                   std::uint32_t* out) {
  for_some_words(key, stream, first_block, words,
                 [&](Index first, const std::uint32_t* some, Index count) { std::copy_n(some, count, out + first); });
}

}  // namespace fastopt::FASTOPT_ISA
