// What a matrix product is told.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace fastopt {

// How an elementwise activation ends a product: not at all, z -> f(z), or dy -> dy f'(y) with y the activated value.
enum class Epilogue : std::uint8_t { none, activate, differentiate };

// The right factor of a product, [depth, columns], as panels of `panel_width` columns. In packed form each panel is
// contiguous and filled with zeros to its full width.
template <class T>
struct Panels {
  const T* data;
  Index row_stride, panel_stride;
  bool padded;  // whole vectors may be read at the end of a row
};

// c = epilogue(op(a) b + bias). a is [rows, depth]; transposed, it is stored as [depth, rows].
template <class T>
struct Product {
  Index rows, columns, depth;
  Rows<const T> a;
  bool a_transposed = false;
  Panels<T> b;
  Rows<T> c;
  const T* bias = nullptr;
  Epilogue epilogue = Epilogue::none;
  int activation = 0;
  Rows<const T> y = {};
};

}  // namespace fastopt
