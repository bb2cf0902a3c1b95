// y = x + a (f(x) - x) with one trained a for each feature (Holzmüller, Grinsztajn and Steinwart, Better by default,
// NeurIPS 2024).
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/elementwise/args.h"
#include "kernels/reduce/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
class ParametricLayer {
 public:
  ParametricLayer(Index features, int function)
      : features_(features), function_(function), ones_(static_cast<std::size_t>(features + alignment), T(1)) {}

  void infer(const View<T>& v) const {
    kernel().activate(v.in[0].x, v.out.y, v.rows, features_);
    const T* const a = v.tensors.parameter(0);
    for_each(v.rows, [&](Index i, Index j) {
      const T x = v.in[0].x.row(i)[j];
      T& y = v.out.y.row(i)[j];
      y = x + a[j] * (y - x);
    });
    activate(v);
  }

  // Keeps f(x) - x and dy/dx.
  void forward(const View<T>& v) const {
    const Rows<T> difference = saved(v, 0), slope = saved(v, 1);
    kernel().activate(v.in[0].x, difference, v.rows, features_);
    derivative(v, difference, slope);
    const T* const a = v.tensors.parameter(0);
    for (Index i = 0; i < v.rows; ++i) {
      const T* const x = v.in[0].x.row(i);
      T *const y = v.out.y.row(i), *const d = difference.row(i), *const s = slope.row(i);
      for (Index j = 0; j < features_; ++j) {
        d[j] -= x[j];
        y[j] = x[j] + a[j] * d[j];
        s[j] = T(1) + a[j] * (s[j] - T(1));
      }
    }
    activate(v);
  }

  void backward(const View<T>& v) const {
    for (Index i = 0; i < v.rows; ++i) {
      kernels<T>().elementwise.multiply(v.out.dy.row(i), saved(v, 1).row(i), v.in[0].dx.row(i), features_);
    }
    differentiate(v);
  }

  void gradient(const View<T>& v, const Team& team) const {
    const Range mine = team.split(features_, alignment / Index{sizeof(T)});
    if (mine.size() > 0) {
      const Index offset = v.tensors.offset(0);
      kernels<T>().reduce.column_dot(saved(v, 0), v.out.dy, v.rows, mine, v.sink->gradients() + offset);
      v.sink->take(team, {offset + mine.begin, offset + mine.end});
    }
  }

  // With derivatives: what is kept is f and f', and of the derivatives f' x'; going back dy f' and its derivative.
  void forward_along(const View<T>& v) const {
    const View<T>& along = *v.along;
    kernel().activate(v.in[0].x, saved(v, 0), v.rows, features_);
    derivative(v, saved(v, 0), saved(v, 1));
    const T *const a = v.tensors.parameter(0), *const c = along.tensors.parameter(0);
    for_each(v.rows, [&](Index i, Index j) {
      const T x = v.in[0].x.row(i)[j], dx = along.in[0].x.row(i)[j], f = saved(v, 0).row(i)[j];
      const T df = saved(v, 1).row(i)[j] * dx;
      saved(along, 0).row(i)[j] = df;
      v.out.y.row(i)[j] = x + a[j] * (f - x);
      along.out.y.row(i)[j] = dx + a[j] * (df - dx) + (c ? c[j] * (f - x) : T(0));
    });
    activate(v);
  }

  void backward_along(const View<T>& v) const {
    const View<T>& along = *v.along;
    const bool from_input = kernel().from_input;
    const Rows<T> back = saved(v, 1), back_along = saved(along, 1);
    kernel().differentiate_twice({.rows = v.rows,
                                  .columns = features_,
                                  .at = from_input ? v.in[0].x : saved(v, 0),
                                  .at_along = from_input ? along.in[0].x : saved(along, 0),
                                  .dy = v.out.dy,
                                  .dy_along = along.out.dy,
                                  .dz = back,
                                  .dz_along = back_along});
    const T *const a = v.tensors.parameter(0), *const c = along.tensors.parameter(0);
    for_each(v.rows, [&](Index i, Index j) {
      const T dy = v.out.dy.row(i)[j], dy_along = along.out.dy.row(i)[j], dz = back.row(i)[j];
      v.in[0].dx.row(i)[j] = dy + a[j] * (dz - dy);
      along.in[0].dx.row(i)[j] = dy_along + a[j] * (back_along.row(i)[j] - dy_along) + (c ? c[j] * (dz - dy) : T(0));
    });
  }

  void gradient_along(const View<T>& v, const Team& team) const {
    if (team.rank() != 0) {
      return;
    }
    const View<T>& along = *v.along;
    const Index offset = v.tensors.offset(0);
    T* const to = v.sink->gradients() + offset;
    std::fill_n(to, features_, T(0));
    for_each(v.rows, [&](Index i, Index j) {
      to[j] += along.out.dy.row(i)[j] * (saved(v, 0).row(i)[j] - v.in[0].x.row(i)[j]) +
               v.out.dy.row(i)[j] * (saved(along, 0).row(i)[j] - along.in[0].x.row(i)[j]);
    });
    v.sink->take(team, {offset, offset + features_});
  }

 private:
  const ActivationKernel<T>& kernel() const { return activation_kernel<T>(function_); }

  // The first or the second array of what is kept of each row.
  Rows<T> saved(const View<T>& v, Index array) const {
    return {reinterpret_cast<T*>(v.out.saved.data) + array * features_, v.out.saved.stride / Index{sizeof(T)}};
  }

  // to <- f'(x), y being f(x).
  void derivative(const View<T>& v, Rows<T> y, Rows<T> to) const {
    kernel().differentiate(kernel().from_input ? v.in[0].x : y, {ones_.data(), 0}, to, v.rows, features_);
  }

  template <class F>
  void for_each(Index rows, F&& f) const {
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < features_; ++j) {
        f(i, j);
      }
    }
  }

  Index features_;
  int function_;
  std::vector<T> ones_;
};

template <class T>
Layer<T> parametric(Index features, const std::string& name) {
  const int function = find_activation(name);
  if (!activation_kernel(function).elementwise) {
    throw std::invalid_argument("the activation of a parametric layer goes element by element, which " + name +
                                " does not");
  }
  const auto p = std::make_shared<const ParametricLayer<T>>(features, function);
  Layer<T> layer = row_layer<T>(features, over_rows<T>([p](const View<T>& v) { p->forward(v); }),
                                over_rows<T>([p](const View<T>& v) { p->backward(v); }));
  layer.cost = 4 * elementwise_cost * static_cast<double>(features);
  layer.saved = checked_product(features, 2 * sizeof(T));
  add_tensor(layer, "alpha", {features});
  layer.training.gradient = {over_parameters<T>([p](const View<T>& v, const Team& team) { p->gradient(v, team); })};
  layer.inference = layer.training;
  layer.curvature = {{over_rows<T>([p](const View<T>& v) { p->forward_along(v); })},
                     {over_rows<T>([p](const View<T>& v) { p->backward_along(v); })},
                     {over_parameters<T>([p](const View<T>& v, const Team& team) { p->gradient_along(v, team); })}};
  return layer;
}

template <class T>
Kinds<T> parametric_kinds() {
  return {
      {"parametric",
       {[](Sizes in, const LayerSpec& spec, Numbers&) { return parametric<T>(in[0], spec.activation); }, false, true}}};
}

}  // namespace fastopt
