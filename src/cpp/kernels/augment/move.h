// Images that are moved by whole pixels and mirrored.
#pragma once

#include <algorithm>

#include "kernels/augment/args.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void move_image(const Move<T>& m) {
  const auto [height, width, channels] = m.size;
  const Index begin = std::clamp<Index>(-m.right, 0, width), end = std::clamp(width - m.right, begin, width);
  for (Index i = 0; i < height; ++i) {
    T* const to = m.y + i * width * channels;
    const Index row = i + m.down;
    if (row < 0 || row >= height) {
      std::fill_n(to, width * channels, T(0));
      continue;
    }
    std::fill_n(to, begin * channels, T(0));
    std::fill_n(to + end * channels, (width - end) * channels, T(0));
    const T* const from = m.x + row * width * channels;
    if (!m.flip) {
      std::copy_n(from + (begin + m.right) * channels, (end - begin) * channels, to + begin * channels);
    } else if (channels == 1) {
      std::reverse_copy(from + width - m.right - end, from + width - m.right - begin, to + begin);
    } else {
      for (Index j = begin; j < end; ++j) {
        std::copy_n(from + (width - 1 - m.right - j) * channels, channels, to + j * channels);
      }
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
