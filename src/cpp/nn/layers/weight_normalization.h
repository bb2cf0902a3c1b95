// A dense layer whose weights have a length and a direction of their own: W = g v / |v| for each column (Salimans and
// Kingma, Weight normalization, NIPS 2016).
#pragma once

#include <algorithm>
#include <cmath>

#include "core/norm.h"
#include "kernels/product/args.h"
#include "nn/layers/dense.h"
#include "runtime/scratch.h"

namespace fastopt {

// The workspace: the panels of W^T, W with a line of slack and, of each column, 1 / |v|, g / |v| and dg / |v|.
template <class T>
struct NormalizedWeights {
  T *w, *inverse, *ratio, *along;

  explicit NormalizedWeights(const View<T>& v) : NormalizedWeights(v.workspace, v.in[0].columns, v.out.columns) {}
  NormalizedWeights(T* workspace, Index inputs, Index outputs)
      : w(workspace + round_up(dense_panels<T>(inputs, outputs), alignment)),
        inverse(w + round_up(inputs * outputs, alignment) + alignment),
        ratio(inverse + round_up(outputs, alignment)),
        along(ratio + round_up(outputs, alignment)) {}

  static Index size(Index inputs, Index outputs) {
    return round_up(dense_panels<T>(inputs, outputs), alignment) + round_up(inputs * outputs, alignment) + alignment +
           3 * round_up(outputs, alignment);
  }
};

// Columns that are taken together; the same for every team, because a product's sums depend on its width.
inline constexpr Index weight_block = 32;

template <class F>
void for_each_weight_block(const Team& team, Index columns, F&& work) {
  const Range mine = team.split(columns, weight_block);
  for (Index first = mine.begin; first < mine.end; first += weight_block) {
    work(Range{first, std::min(first + weight_block, mine.end)});
  }
}

// sums_j += sum over i of a_ij b_ij, of matrices [rows, stride]
template <class T>
void sum_columns(Range columns, Index rows, Index stride, const T* a, const T* b, double* sums) {
  for (Index i = 0; i < rows; ++i) {
    const Index first = i * stride + columns.begin;
    for (Index j = 0; j < columns.size(); ++j) {
      sums[j] += static_cast<double>(a[first + j]) * static_cast<double>(b[first + j]);
    }
  }
}

template <class T>
Layer<T> weight_normalization(Index inputs, Index outputs, bool bias) {
  Layer<T> layer{.outputs = outputs};
  const int direction = add_tensor(layer, "kernel", {inputs, outputs});
  const int b = bias ? add_tensor(layer, "bias", {outputs}) : -1;
  const int length = add_tensor(layer, "g", {outputs});
  layer.cost = 2.0 * static_cast<double>(layer.tensors[static_cast<std::size_t>(direction)].size);
  layer.workspace = [=] { return NormalizedWeights<T>::size(inputs, outputs); };

  const auto normalize = [=](const View<T>& view, const Team& team) {
    const T *const v = view.tensors.parameter(direction), *const g = view.tensors.parameter(length);
    const NormalizedWeights<T> to(view);
    for_each_weight_block(team, outputs, [&](Range columns) {
      double squares[weight_block] = {};
      sum_columns(columns, inputs, outputs, v, v, squares);
      for (Index j = columns.begin; j < columns.end; ++j) {
        const double square = squares[j - columns.begin];
        const auto norm = norm_of(square, inputs, [&](Index i) { return v[i * outputs + j]; });
        to.inverse[j] = square > 0 ? static_cast<T>(1 / static_cast<double>(norm)) : T(0);  // no direction: W = 0
        to.ratio[j] = g[j] * to.inverse[j];
      }
      for (Index i = 0; i < inputs; ++i) {
        for (Index j = columns.begin, at = i * outputs + j; j < columns.end; ++j, ++at) {
          to.w[at] = v[at] * to.ratio[j];
        }
      }
    });
  };

  // dW, and dg = sum(dW v) / |v| over each column.
  const auto gather = [=](const View<T>& view, const Team& team) {
    const T* const v = view.tensors.parameter(direction);
    const NormalizedWeights<T> at(view);
    T* const dw = view.sink->gradients() + view.tensors.offset(direction);
    T* const dg = view.sink->gradients() + view.tensors.offset(length);
    for_each_weight_block(team, outputs, [&](Range columns) {
      kernels<T>().product.multiply(
          {.rows = inputs,
           .columns = columns.size(),
           .depth = view.rows,
           .a = view.in[0].x,
           .a_transposed = true,
           .b = {view.out.dy.data + columns.begin, view.out.dy.stride, kernels<T>().product.panel_width, true},
           .c = {dw + columns.begin, outputs},
           .scratch = scratch()});
      double products[weight_block] = {};
      sum_columns(columns, inputs, outputs, dw, v, products);
      for (Index j = columns.begin; j < columns.end; ++j) {
        dg[j] = static_cast<T>(products[j - columns.begin] * static_cast<double>(at.inverse[j]));
        at.along[j] = dg[j] * at.inverse[j];
      }
    });
  };

  // dv = g / |v| (dW - v dg / |v|)
  const auto turn = [=](const View<T>& view, const Team& team) {
    const T* const v = view.tensors.parameter(direction);
    const NormalizedWeights<T> at(view);
    T* const dv = view.sink->gradients() + view.tensors.offset(direction);
    for_each_part(view, team, direction, inputs, outputs, [&](Range rows) {
      for (Index i = rows.begin; i < rows.end; ++i) {
        const T* const v_row = v + i * outputs;
        T* const dv_row = dv + i * outputs;
        for (Index j = 0; j < outputs; ++j) {
          dv_row[j] = at.ratio[j] * (dv_row[j] - v_row[j] * at.along[j]);
        }
      }
    });
    const Range mine = team.split(outputs, alignment);
    if (mine.size() > 0) {
      const Index offset = view.tensors.offset(length);
      view.sink->take(team, {offset + mine.begin, offset + mine.end});
    }
  };

  const Weights<T> weights = [](const View<T>& view) -> const T* { return NormalizedWeights<T>(view).w; };
  Phases<T> phases{{over_parameters<T>(normalize), dense_forward<T>(weights, b)},
                   {dense_pack<T>(weights), dense_backward<T>()},
                   {over_columns<T>(gather), over_parameters<T>(turn)}};
  if (bias) {
    phases.gradient.push_back(dense_bias_gradient<T>(b));
  }
  layer.training = layer.inference = std::move(phases);
  return layer;
}

template <class T>
Kinds<T> weight_normalization_kinds() {
  return {{"weight_normalization", {[](Sizes in, const LayerSpec&, Numbers& n) {
             const Index units = n.count("units");
             return weight_normalization<T>(in[0], units, n.flag("use_bias"));
           }}}};
}

}  // namespace fastopt
