// The end of a product: an activation, or its derivative.
#pragma once

#include "kernels/product/args.h"

namespace fastopt::FASTOPT_ISA {

// On a part of c that was just written.
template <class T>
void finish(const Product<T>& p, Range rows, Range columns) {
  Rows<T> c = p.c.from(rows.begin);
  c.data += columns.begin;
  if (p.activate) {
    p.activate(c, c, rows.size(), columns.size());
  } else if (p.differentiate) {
    Rows<const T> y = p.y.from(rows.begin);
    y.data += columns.begin;
    p.differentiate(y, c, c, rows.size(), columns.size());
  }
}

}  // namespace fastopt::FASTOPT_ISA
