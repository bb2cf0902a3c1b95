// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): block i of a
// stream is a function of (key, stream, i), whoever computes it.
#pragma once

#include <cstring>

#include "kernels/table.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr int philox_width = 16;  // blocks at once; the inner loops are vectorised

inline void philox_blocks(std::uint64_t key, std::uint64_t stream, std::uint64_t first_block,
                          std::uint32_t (&out)[philox_width][4]) {
  std::uint32_t c[4][philox_width];
  for (int i = 0; i < philox_width; ++i) {
    const std::uint64_t block = first_block + static_cast<std::uint64_t>(i);
    c[0][i] = static_cast<std::uint32_t>(block);
    c[1][i] = static_cast<std::uint32_t>(block >> 32);
    c[2][i] = static_cast<std::uint32_t>(stream);
    c[3][i] = static_cast<std::uint32_t>(stream >> 32);
  }
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < philox_width; ++i) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c[0][i], p1 = std::uint64_t{0xCD9E8D57U} * c[2][i];
      c[0][i] = static_cast<std::uint32_t>(p1 >> 32) ^ c[1][i] ^ k0;
      c[1][i] = static_cast<std::uint32_t>(p1);
      c[2][i] = static_cast<std::uint32_t>(p0 >> 32) ^ c[3][i] ^ k1;
      c[3][i] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  for (int i = 0; i < philox_width; ++i) {
    for (int j = 0; j < 4; ++j) {
      out[i][j] = c[j][i];
    }
  }
}

inline void philox(std::uint64_t key, std::uint64_t stream, std::uint64_t first_block, Index words,
                   std::uint32_t* out) {
  constexpr Index step = Index{4} * philox_width;
  std::uint32_t blocks[philox_width][4];
  for (Index i = 0; i < words; i += step) {
    philox_blocks(key, stream, first_block + static_cast<std::uint64_t>(i / 4), blocks);
    std::memcpy(out + i, blocks, static_cast<std::size_t>(words - i < step ? words - i : step) * sizeof(std::uint32_t));
  }
}

}  // namespace fastopt::FASTOPT_ISA
