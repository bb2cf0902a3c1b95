// What an activation does to derivatives along a direction, which lie `along` rows after what they are derivatives of.
#pragma once

#include "ops/activation.h"

namespace fastopt {

// dy <- dy f', where y has been activated: the Jacobians of activations are symmetric.
template <class T>
void activate_derivatives(int activation, Rows<T> y, Index along, Index rows, Index columns) {
  if (activation != linear) {
    const Rows<T> derivative = y.from(along);
    activation_kernel<T>(activation).differentiate(y, derivative, derivative, rows, columns);
  }
}

// to <- dy f'(z), and the derivative of this; `to` may be dy.
template <class T>
void differentiate_twice(int activation, Rows<T> y, Rows<T> dy, Rows<T> to, Index along, Index rows, Index columns) {
  if (activation != linear) {
    activation_kernel<T>(activation)
        .differentiate_twice({.rows = rows,
                              .columns = columns,
                              .at = y,
                              .at_along = y.from(along),
                              .dy = dy,
                              .dy_along = dy.from(along),
                              .dz = to,
                              .dz_along = to.from(along)});
  }
}

}  // namespace fastopt
