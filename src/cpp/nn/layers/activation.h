// Activations as layers of their own: y = f(x) where the gradient needs x, and a copy of x for what can end any layer.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> activation(Index inputs, int function) {
  const Phase<T> forward = over_rows<T>([=](const View<T>& v) {
    activation_kernel<T>(function).activate(v.in[0].x, v.out.y, v.rows, v.out.columns);
    activate(v);
  });
  Layer<T> layer =
      row_layer<T>(inputs, forward, over_rows<T>([=](const View<T>& v) {
                     const In<T>& in = v.in[0];
                     activation_kernel<T>(function).differentiate(in.x, v.out.dy, in.dx, v.rows, in.columns);
                     differentiate(v);
                   }));
  layer.curvature = {{over_rows<T>([=](const View<T>& v) {
                       const View<T>& along = *v.along;
                       forward.run(v, Team(0, 1, nullptr));
                       activation_kernel<T>(function).differentiate(v.in[0].x, along.in[0].x, along.out.y, v.rows,
                                                                    v.out.columns);
                     })},
                     {over_rows<T>([=](const View<T>& v) {
                       const In<T>&in = v.in[0], &along = v.along->in[0];
                       activation_kernel<T>(function).differentiate_twice({.rows = v.rows,
                                                                           .columns = in.columns,
                                                                           .at = in.x,
                                                                           .at_along = along.x,
                                                                           .dy = v.out.dy,
                                                                           .dy_along = v.along->out.dy,
                                                                           .dz = in.dx,
                                                                           .dz_along = along.dx});
                     })},
                     {}};
  return layer;
}

// Softmax over the last axis of rows that have it at so many places.
template <class T>
Layer<T> softmax_of_places(Index inputs, Index places) {
  if (inputs % places != 0) {
    throw std::invalid_argument(std::to_string(inputs) + " features are not those of " + std::to_string(places) +
                                " places");
  }
  const Index size = inputs / places;
  const int function = find_activation("softmax");
  const auto saved = [=](const View<T>& v, Index i) {
    return Rows<T>{reinterpret_cast<T*>(v.out.saved.row(i)), size, nullptr};
  };
  Layer<T> layer =
      row_layer<T>(inputs, over_rows<T>([=](const View<T>& v) {
                     for (Index i = 0; i < v.rows; ++i) {
                       const Rows<T> y = saved(v, i);
                       activation_kernel<T>(function).activate({v.in[0].x.row(i), size}, y, places, size);
                       std::copy_n(y.data, inputs, v.out.y.row(i));
                     }
                     activate(v);
                   }),
                   over_rows<T>([=](const View<T>& v) {
                     for (Index i = 0; i < v.rows; ++i) {
                       const Rows<T> y = saved(v, i);
                       activation_kernel<T>(function).differentiate({y.data, size}, {v.out.dy.row(i), size},
                                                                    {v.in[0].dx.row(i), size}, places, size);
                     }
                     differentiate(v);
                   }));
  layer.saved = inputs * static_cast<Index>(sizeof(T));
  // The derivatives of what is saved are kept as well.
  layer.curvature = {
      {over_rows<T>([=, forward = layer.inference.forward.front().run](const View<T>& v) {
        forward(v, Team(0, 1, nullptr));
        for (Index i = 0; i < v.rows; ++i) {
          const Rows<T> y = saved(v, i), s = saved(*v.along, i);
          activation_kernel<T>(function).differentiate({y.data, size}, {v.along->in[0].x.row(i), size}, s, places,
                                                       size);
          std::copy_n(s.data, inputs, v.along->out.y.row(i));
        }
      })},
      {over_rows<T>([=](const View<T>& v) {
        const View<T>& along = *v.along;
        for (Index i = 0; i < v.rows; ++i) {
          activation_kernel<T>(function).differentiate_twice({.rows = places,
                                                              .columns = size,
                                                              .at = {saved(v, i).data, size},
                                                              .at_along = {saved(along, i).data, size},
                                                              .dy = {v.out.dy.row(i), size},
                                                              .dy_along = {along.out.dy.row(i), size},
                                                              .dz = {v.in[0].dx.row(i), size},
                                                              .dz_along = {along.in[0].dx.row(i), size}});
        }
      })},
      {}};
  return layer;
}

// Whose activation the plan takes from it, where another layer can be ended by it.
template <class T>
Layer<T> copy(Index inputs, int function) {
  Layer<T> layer = row_layer<T>(inputs, over_rows<T>([](const View<T>& v) {
                                  for (Index i = 0; i < v.rows; ++i) {
                                    std::copy_n(v.in[0].x.row(i), v.out.columns, v.out.y.row(i));
                                  }
                                  activate(v);
                                }),
                                over_rows<T>([](const View<T>& v) { copy_gradient(v); }));
  layer.activation = function;
  layer.only_activates = true;
  add_linear_curvature(layer);
  return layer;
}

// What only has another shape or name than its input.
template <class T>
Layer<T> identity(Index inputs) {
  return {.outputs = inputs};
}

template <class T>
Kinds<T> activation_kinds() {
  return {{"activation",
           {[](Sizes in, const LayerSpec& spec, Numbers&) {
              const int function = find_activation(spec.activation);
              return activation_kernel(function).from_input ? activation<T>(in[0], function) : copy<T>(in[0], function);
            },
            false, true}},
          {"softmax",
           {[](Sizes in, const LayerSpec&, Numbers& n) { return softmax_of_places<T>(in[0], n.count("places")); }}},
          {"pass", {[](Sizes in, const LayerSpec&, Numbers&) { return identity<T>(in[0]); }}},
          {"activity", {[](Sizes in, const LayerSpec&, Numbers& n) {
             Layer<T> layer = identity<T>(in[0]);
             layer.activity = {n.optional("l1"), n.optional("l2")};
             return layer;
           }}}};
}

}  // namespace fastopt
