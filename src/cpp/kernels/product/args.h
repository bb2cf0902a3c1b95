// The arguments of a matrix product.
#pragma once

#include <cstddef>

#include "core/types.h"
#include "kernels/activation/args.h"

namespace fastopt {

// The right factor of a product, [depth, columns], as panels of `panel_width` columns. In packed form each panel is
// contiguous and filled with zeros to its full width.
template <class T>
struct Panels {
  const T* data;
  Index row_stride, panel_stride;
  bool padded;  // whole vectors may be read at the end of a row
};

// Bytes that a product may use while it runs: copies of parts of its factors.
inline constexpr std::size_t product_scratch = std::size_t{768} << 10;

// c = op(a) b + bias, or c += op(a) b, ended by an elementwise activation, c <- f(c), or by its derivative, c <- c
// f'(y). a is [rows, depth]; transposed, it is stored as [depth, rows].
template <class T>
struct Product {
  Index rows, columns, depth;
  Rows<const T> a = {};
  bool a_transposed = false;
  // Along the depth a may consist of runs of so many elements, that begin so many elements of the memory apart: what a
  // window sees of an image. 0: it is one run.
  Index run = 0, run_step = 0;
  Panels<T> b = {};
  Rows<T> c = {};
  bool accumulate = false;  // then there is no bias
  const T* bias = nullptr;
  Activate<T> activate = nullptr;
  Differentiate<T> differentiate = nullptr;
  Rows<const T> y = {};
  std::byte* scratch = nullptr;  // `product_scratch` bytes on a cache line, of this thread alone

  // Elements of a of a run, and from the beginning of a row or, transposed, a column to its element k.
  Index whole_run() const { return run > 0 ? run : depth > 0 ? depth : 1; }
  Index a_at(Index k) const {
    const Index step = a_transposed ? a.stride : 1;
    return run > 0 ? k / run * run_step + k % run * step : k * step;
  }

  Product part(Range share) const {
    Product p = *this;
    p.rows = share.size();
    p.a = a_transposed ? Rows<const T>{a.data + share.begin, a.stride} : a.from(share.begin);
    p.c = c.from(share.begin);
    p.y = y.data ? y.from(share.begin) : y;
    return p;
  }

  // Some columns, the first being the first of a panel of `width` columns.
  Product columns_part(Range share, Index width) const {
    Product p = *this;
    p.columns = share.size();
    p.b.data += share.begin / width * b.panel_stride;
    p.c.data += share.begin;
    p.bias = bias ? bias + share.begin : nullptr;
    p.y.data = y.data ? y.data + share.begin : nullptr;
    return p;
  }
};

template <class T>
struct ProductKernels {
  int panel_width;
  Index (*packed_width)(Index columns);  // of the panels of a packed matrix
  void (*multiply)(const Product<T>&);
  // Panels first..last of b or, transposed, of b^T where b is [columns, depth].
  void (*pack)(const T* b, Index stride, bool transposed, Index depth, Index columns, Range panels, T* packed);
};

}  // namespace fastopt
