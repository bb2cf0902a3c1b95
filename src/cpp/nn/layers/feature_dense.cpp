#include "nn/layers/feature_dense.h"

#include <algorithm>

#include "kernels/product/args.h"
#include "kernels/update/args.h"
#include "nn/layers/dense.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

namespace fastopt {

namespace {

// The work is a product for each feature, of its values in all rows; or, where the features share their weights, for
// each row, of the values of all features.
struct Shape {
  Index features, size, units;  // size: values that stand for a feature
  bool shared;

  Index matrices() const { return shared ? 1 : features; }
  Index products(Index rows) const { return shared ? rows : features; }
  Index rows_of_product(Index rows) const { return shared ? features : rows; }
  Index matrix(Index product) const { return shared ? 0 : product; }

  // The rows of a product among those of a batch, of which each feature has so many values.
  template <class R>
  R part(const R& rows, Index product, Index values) const {
    return shared ? R{rows.row(product), values} : R{rows.data + product * values, rows.stride, rows.index};
  }
};

template <class T>
Panels<T> panels_of(const T* data, Index stride) {
  return {data, stride, kernels<T>().product.panel_width, true};
}

template <class T>
Index panels_size(const Shape& s) {
  return packed_size<T>(s.units, s.size);
}

// Products of x, a of `all`, which speaks of whole rows and one feature, with the matrices w.
template <class T>
void multiply(const Shape& s, const Product<T>& all, const T* w) {
  for (Index i = 0; i < s.products(all.rows); ++i) {
    const Index matrix = s.matrix(i);
    Product<T> p = all;
    p.rows = s.rows_of_product(all.rows);
    p.a = s.part(all.a, i, s.size);
    p.b = panels_of(w + matrix * s.size * s.units, s.units);
    p.c = s.part(all.c, i, s.units);
    p.bias = all.bias ? all.bias + matrix * s.units : nullptr;
    p.scratch = scratch();
    kernels<T>().product.multiply(p);
  }
}

// Products of dy, a of `all`, with the matrices that were packed.
template <class T>
void multiply_back(const Shape& s, const Product<T>& all, const T* packed) {
  for (Index i = 0; i < s.products(all.rows); ++i) {
    Product<T> p = all;
    p.rows = s.rows_of_product(all.rows);
    p.a = s.part(all.a, i, s.units);
    p.b = packed_panels<T>(packed + s.matrix(i) * panels_size<T>(s), s.units, s.size);
    p.c = s.part(all.c, i, s.size);
    p.y = all.y.data ? s.part(all.y, i, s.size) : all.y;
    p.scratch = scratch();
    kernels<T>().product.multiply(p);
  }
}

template <class T>
void forward(const View<T>& v, const Shape& s) {
  const int activation = v.out.activation;
  const Product<T> all{.rows = v.rows,
                       .columns = s.units,
                       .depth = s.size,
                       .a = v.in[0].x,
                       .c = v.out.y,
                       .bias = v.tensors.parameter(1),
                       .activate = fused_activate<T>(activation)};
  multiply(s, all, v.tensors.parameter(0));
  if (!is_fused(activation)) {
    activate(v);
  }
}

template <class T>
void pack(const Team& team, const Shape& s, const T* w, T* to) {
  const Range mine = team.split(s.matrices());
  for (Index i = mine.begin; i < mine.end; ++i) {
    pack_share(Team(0, 1, nullptr), w + i * s.size * s.units, s.units, true, s.units, s.size,
               to + i * panels_size<T>(s));
  }
}

template <class T>
void backward(const View<T>& v, const Shape& s) {
  const In<T>& in = v.in[0];
  const Product<T> all{.rows = v.rows,
                       .columns = s.size,
                       .depth = s.units,
                       .a = v.out.dy,
                       .c = in.dx,
                       .differentiate = fused_differentiate<T>(in.activation),
                       .y = in.x};
  multiply_back(s, all, v.workspace);
  if (!is_fused(in.activation)) {
    differentiate(v);
  }
}

// What x^T dy adds to the rows `part` of the matrices, [size] each, which begin at `to`.
template <class T>
void add_gradient(const Shape& s, Index rows, Range part, Rows<const T> x, const Rows<const T>& dy, T* to,
                  bool accumulate) {
  const auto add = [&](Index product, Range some, T* c, bool onto) {
    Rows<const T> a = s.part(x, product, s.size);
    a.data += some.begin;
    const Rows<const T> b = s.part(dy, product, s.units);
    kernels<T>().product.multiply({.rows = some.size(),
                                   .columns = s.units,
                                   .depth = s.rows_of_product(rows),
                                   .a = a,
                                   .a_transposed = true,
                                   .b = panels_of(b.data, b.stride),
                                   .c = {c, s.units},
                                   .accumulate = onto,
                                   .scratch = scratch()});
  };
  if (s.shared) {
    for (Index i = 0; i < rows; ++i) {
      add(i, part, to, accumulate || i > 0);
    }
  } else {
    for (Index f = part.begin; f < part.end; ++f) {
      add(f, {0, s.size}, to + (f - part.begin) * s.size * s.units, accumulate);
    }
  }
}

// add(part, to) for parts of the gradient of the matrices: features or, where they are shared, rows of the one.
template <class T, class F>
void for_each_matrix_part(const View<T>& v, const Team& team, const Shape& s, F&& add) {
  const Index rows = s.shared ? s.size : s.features, columns = s.shared ? s.units : s.size * s.units;
  T* const dw = v.sink->gradients() + v.tensors.offset(0);
  for_each_part(
      v, team, 0, rows, columns, [&](Range part) { add(part, dw + part.begin * columns); }, whole_lines<T>(columns));
}

template <class T>
void kernel_gradient(const View<T>& v, const Team& team, const Shape& s) {
  for_each_matrix_part(v, team, s,
                       [&](Range part, T* to) { add_gradient(s, v.rows, part, v.in[0].x, v.out.dy, to, false); });
}

template <class T>
void shared_bias_gradient(const View<T>& v, const Team& team, const Shape& s) {
  const Range mine = team.split(s.units, alignment);
  if (mine.size() == 0) {
    return;
  }
  const Index offset = v.tensors.offset(1) + mine.begin;
  T* const sum = v.sink->gradients() + offset;
  std::fill_n(sum, mine.size(), T(0));
  for (Index i = 0; i < v.rows; ++i) {
    for (Index f = 0; f < s.features; ++f) {
      kernels<T>().update.add(v.out.dy.row(i) + f * s.units + mine.begin, sum, mine.size());
    }
  }
  v.sink->take(team, {offset, offset + mine.size()});
}

// With derivatives: s = s W + x V + c, dx = dy W' and ds = ds W' + dy V', and dV = s'dy + x'ds.
template <class T>
Phases<T> curvature(const Shape& s, const Phase<T>& bias_gradient) {
  const auto forward_along = [=](const View<T>& v) {
    const View<T>& along = *v.along;
    forward(v, s);
    Product<T> sum{.rows = v.rows,
                   .columns = s.units,
                   .depth = s.size,
                   .a = v.in[0].x,
                   .c = along.out.y,
                   .bias = along.tensors.parameter(1)};
    if (const T* const direction = along.tensors.parameter(0)) {
      multiply(s, sum, direction);
      sum.accumulate = true;
      sum.bias = nullptr;
    }
    sum.a = along.in[0].x;
    multiply(s, sum, v.tensors.parameter(0));
  };
  const auto pack_both = [=](const View<T>& v, const Team& team) {
    pack(team, s, v.tensors.parameter(0), v.workspace);
    if (const T* const direction = v.along->tensors.parameter(0)) {
      pack(team, s, direction, v.workspace + s.matrices() * panels_size<T>(s));
    }
  };
  const auto backward_along = [=](const View<T>& v) {
    const View<T>& along = *v.along;
    multiply_back(s, {.rows = v.rows, .columns = s.size, .depth = s.units, .a = v.out.dy, .c = v.in[0].dx},
                  v.workspace);
    Product<T> sum{.rows = v.rows, .columns = s.size, .depth = s.units, .a = along.out.dy, .c = along.in[0].dx};
    multiply_back(s, sum, v.workspace);
    if (along.tensors.parameter(0)) {
      sum.a = v.out.dy;
      sum.accumulate = true;
      multiply_back(s, sum, v.workspace + s.matrices() * panels_size<T>(s));
    }
  };
  const auto kernel_gradient_along = [=](const View<T>& v, const Team& team) {
    const View<T>& along = *v.along;
    for_each_matrix_part(v, team, s, [&](Range part, T* to) {
      add_gradient(s, v.rows, part, along.in[0].x, v.out.dy, to, false);
      add_gradient(s, v.rows, part, v.in[0].x, along.out.dy, to, true);
    });
  };
  const auto bias_gradient_along = [run = bias_gradient.run](const View<T>& v, const Team& team) {
    View<T> derivatives = v;
    derivatives.out = v.along->out;
    run(derivatives, team);
  };
  return {{over_rows<T>(forward_along)},
          {over_parameters<T>(pack_both), over_rows<T>(backward_along)},
          {over_parameters<T>(kernel_gradient_along), over_parameters<T>(bias_gradient_along)}};
}

}  // namespace

template <class T>
Layer<T> feature_dense(Index inputs, Index features, Index units, bool shared) {
  const Shape s{features, inputs / features, units, shared};
  Layer<T> layer{.outputs = checked_product(features, units)};
  layer.cost = 2.0 * static_cast<double>(inputs) * static_cast<double>(units);
  layer.workspace = [=] { return checked_product(s.matrices(), panels_size<T>(s)); };
  std::vector<Index> kernel{s.size, units}, bias{units};
  if (!shared) {
    kernel.insert(kernel.begin(), features);
    bias.insert(bias.begin(), features);
  }
  add_tensor(layer, "kernel", kernel);
  const int b = add_tensor(layer, "bias", bias);
  const Phase<T> bias_gradient =
      shared ? over_parameters<T>([=](const View<T>& v, const Team& team) { shared_bias_gradient(v, team, s); })
             : dense_bias_gradient<T>(b);
  layer.training = {
      {over_rows<T>([=](const View<T>& v) { forward(v, s); })},
      {over_parameters<T>(
           [=](const View<T>& v, const Team& team) { pack(team, s, v.tensors.parameter(0), v.workspace); }),
       over_rows<T>([=](const View<T>& v) { backward(v, s); })},
      {over_parameters<T>([=](const View<T>& v, const Team& team) { kernel_gradient(v, team, s); }), bias_gradient}};
  layer.inference = layer.training;
  layer.curvature = curvature<T>(s, bias_gradient);
  return layer;
}

template Layer<float> feature_dense(Index, Index, Index, bool);
template Layer<double> feature_dense(Index, Index, Index, bool);

}  // namespace fastopt
