// Samples of any type and strides turned into rows of floats.
#pragma once

#include <cstring>

#include "kernels/gather/args.h"

namespace fastopt::FASTOPT_ISA {

// to[j] = f(value, j)
template <class From, class T, class F>
void gather_each(const Gather<T>& g, F f) {
  for (Index i = 0; i < g.rows; ++i) {
    const char* row = static_cast<const char*>(g.data) + (g.index ? g.index[i] : i) * g.row_stride;
    T* to = g.to.row(i);
    if (g.column_stride == static_cast<Index>(sizeof(From))) {
      for (Index j = 0; j < g.columns; ++j) {
        From value;
        std::memcpy(&value, row + j * static_cast<Index>(sizeof(From)), sizeof value);
        to[j] = f(value, j);
      }
    } else {
      for (Index j = 0; j < g.columns; ++j) {
        From value;
        std::memcpy(&value, row + j * g.column_stride, sizeof value);
        to[j] = f(value, j);
      }
    }
  }
}

template <class From, class T>
void gather_from(const Gather<T>& g) {
  if (g.center) {
    gather_each<From>(g, [&](From value, Index j) {
      return static_cast<T>(static_cast<double>(value) - static_cast<double>(g.center[j]));
    });
  } else {
    gather_each<From>(g, [](From value, Index) { return static_cast<T>(value); });
  }
}

template <class T>
void gather(const Gather<T>& g) {
  switch (g.type) {
    case Type::f32:
      return gather_from<float>(g);
    case Type::f64:
      return gather_from<double>(g);
    case Type::i8:
      return gather_from<std::int8_t>(g);
    case Type::i16:
      return gather_from<std::int16_t>(g);
    case Type::i32:
      return gather_from<std::int32_t>(g);
    case Type::i64:
      return gather_from<std::int64_t>(g);
    case Type::boolean:
    case Type::u8:
      return gather_from<std::uint8_t>(g);
    case Type::u16:
      return gather_from<std::uint16_t>(g);
    case Type::u32:
      return gather_from<std::uint32_t>(g);
    case Type::u64:
      return gather_from<std::uint64_t>(g);
  }
}

}  // namespace fastopt::FASTOPT_ISA
