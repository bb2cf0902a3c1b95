// Layers of several inputs: their sum, of which a residual block is one of two (He, Zhang, Ren and Sun, 2016), and one
// beside the other.
#pragma once

#include <stdexcept>

#include "kernels/elementwise/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
Layer<T> add(std::span<const Index> inputs) {
  for (const Index size : inputs) {
    if (size != inputs.front()) {
      throw std::invalid_argument("inputs of " + std::to_string(inputs.front()) + " and of " + std::to_string(size) +
                                  " values cannot be added");
    }
  }
  Layer<T> layer = row_layer<T>(inputs.front(), over_rows<T>([](const View<T>& v) {
                                  for (Index i = 0; i < v.rows; ++i) {
                                    const T* sum = v.in[0].x.row(i);
                                    for (const In<T>& in : v.in.subspan(1)) {
                                      kernels<T>().elementwise.add(sum, in.x.row(i), v.out.y.row(i), v.out.columns);
                                      sum = v.out.y.row(i);
                                    }
                                  }
                                  activate(v);
                                }),
                                over_rows<T>([](const View<T>& v) {
                                  for (std::size_t i = 0; i < v.in.size(); ++i) {
                                    if (v.in[i].dx.data && v.in[i].dx.data != v.out.dy.data) {
                                      copy_gradient(v, i);
                                    }
                                  }
                                }));
  layer.shares_gradient = true;
  add_linear_curvature(layer);
  return layer;
}

template <class T>
Layer<T> concatenate(std::span<const Index> inputs) {
  Index outputs = 0;
  for (const Index size : inputs) {
    outputs += size;
  }
  // f(input, its first column of the output)
  const auto for_each_input = [](const View<T>& v, auto&& f) {
    Index first = 0;
    for (std::size_t i = 0; i < v.in.size(); first += v.in[i++].columns) {
      f(i, first);
    }
  };
  Layer<T> layer = row_layer<T>(outputs, over_rows<T>([=](const View<T>& v) {
                                  for_each_input(v, [&](std::size_t input, Index first) {
                                    const In<T>& in = v.in[input];
                                    for (Index i = 0; i < v.rows; ++i) {
                                      std::copy_n(in.x.row(i), in.columns, v.out.y.row(i) + first);
                                    }
                                  });
                                  activate(v);
                                }),
                                over_rows<T>([=](const View<T>& v) {
                                  for_each_input(v, [&](std::size_t input, Index first) {
                                    if (v.in[input].dx.data) {
                                      copy_gradient(v, input, first);
                                    }
                                  });
                                }));
  add_linear_curvature(layer);
  return layer;
}

template <class T>
Kinds<T> merge_kinds() {
  return {{"add", {[](Sizes in, const LayerSpec&, Numbers&) { return add<T>(in); }, true}},
          {"concatenate", {[](Sizes in, const LayerSpec&, Numbers&) { return concatenate<T>(in); }, true}}};
}

}  // namespace fastopt
