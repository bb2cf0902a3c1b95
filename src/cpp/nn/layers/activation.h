// Activations as layers of their own: y = f(x) where the gradient needs x, and a copy of x for what can end any layer.
#pragma once

#include "nn/layer.h"

namespace fastopt {

template <class T>
Layer<T> activation(Index inputs, int function) {
  return row_layer<T>(inputs, over_rows<T>([=](const View<T>& v) {
                        activation_kernel<T>(function).activate(v.in[0].x, v.out.y, v.rows, v.out.columns);
                        activate(v);
                      }),
                      over_rows<T>([=](const View<T>& v) {
                        const In<T>& in = v.in[0];
                        activation_kernel<T>(function).differentiate(in.x, v.out.dy, in.dx, v.rows, in.columns);
                        differentiate(v);
                      }));
}

// Whose activation the plan takes from it, where another layer can be ended by it.
template <class T>
Layer<T> copy(Index inputs) {
  Layer<T> layer = row_layer<T>(inputs, over_rows<T>([](const View<T>& v) {
                                  for (Index i = 0; i < v.rows; ++i) {
                                    std::copy_n(v.in[0].x.row(i), v.out.columns, v.out.y.row(i));
                                  }
                                  activate(v);
                                }),
                                over_rows<T>([](const View<T>& v) { copy_gradient(v); }));
  layer.only_activates = true;
  return layer;
}

// What only has another shape or name than its input.
template <class T>
Layer<T> identity(Index inputs) {
  return {.outputs = inputs};
}

}  // namespace fastopt
