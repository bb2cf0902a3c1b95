// The derivatives of y = f(x W + b) and of its gradients along a direction of W and b: sums of products.
#include "kernels/product/args.h"
#include "kernels/reduce/args.h"
#include "nn/layers/dense.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

namespace fastopt {

namespace {

// The weights' direction, where they have one.
template <class T>
const T* direction(const View<T>& v, bool trained) {
  return trained ? v.along->tensors.parameter(0) : nullptr;
}

template <class T>
bool varies(const In<T>& in) {
  return in.dx.data;
}

// c = a b + bias, or c += a b where there has been another.
template <class T>
class Sum {
 public:
  explicit Sum(Product<T> start) : product_(start) { product_.scratch = scratch(); }

  void add(Rows<const T> a, const Panels<T>& b) {
    product_.a = a;
    product_.b = b;
    kernels<T>().product.multiply(product_);
    product_.accumulate = true;
    product_.bias = nullptr;
  }

 private:
  Product<T> product_;
};

// s = s W + x V + c, c being the bias' direction.
template <class T>
void forward(const View<T>& v, Weights<T> weights, int bias, bool trained) {
  const View<T>& along = *v.along;
  const auto panels = [&](const T* w) { return Panels<T>{w, v.out.columns, kernels<T>().product.panel_width, true}; };
  Sum<T> sum({.rows = v.rows,
              .columns = v.out.columns,
              .depth = v.in[0].columns,
              .c = along.out.y,
              .bias = trained ? along.tensors.parameter(bias) : nullptr});
  if (const T* const w = direction(v, trained)) {
    sum.add(v.in[0].x, panels(w));
  }
  if (varies(v.in[0])) {
    sum.add(along.in[0].x, panels(weights(v)));
  }
}

// dx = dy W', and its derivative dy V' + ds W'.
template <class T>
void backward(const View<T>& v, bool trained) {
  const In<T>& in = v.in[0];
  const Index outputs = v.out.columns;
  const Panels<T> w = packed_panels<T>(v.workspace, outputs, in.columns);
  const Product<T> product{.rows = v.rows, .columns = in.columns, .depth = outputs, .c = in.dx};
  Product<T> of_derivative = product;
  of_derivative.c = v.along->in[0].dx;
  Sum<T> derivative(of_derivative);
  if (v.out.linearized) {
    for (Index i = 0; i < v.rows; ++i) {
      std::fill_n(in.dx.row(i), in.columns, T(0));
    }
  } else {
    Sum<T>(product).add(v.out.dy, w);
    if (direction(v, trained)) {
      derivative.add(v.out.dy,
                     packed_panels<T>(v.workspace + dense_panels<T>(in.columns, outputs), outputs, in.columns));
    }
  }
  derivative.add(v.along->out.dy, w);
}

// The derivative of x'dy: s'dy + x'ds.
template <class T>
void kernel_gradient(const View<T>& v, const Team& team) {
  const Index outputs = v.out.columns;
  T* const dw = v.sink->gradients() + v.tensors.offset(0);
  for_each_part(v, team, 0, v.in[0].columns, outputs, [&](Range rows) {
    Sum<T> sum({.rows = rows.size(),
                .columns = outputs,
                .depth = v.rows,
                .a_transposed = true,
                .c = {dw + rows.begin * outputs, outputs}});
    const auto add = [&](Rows<const T> x, Rows<const T> dy) {
      x.data += rows.begin;
      sum.add(x, {dy.data, dy.stride, kernels<T>().product.panel_width, true});
    };
    if (varies(v.in[0]) && !v.out.linearized) {
      add(v.along->in[0].x, v.out.dy);
    }
    add(v.in[0].x, v.along->out.dy);
  });
}

}  // namespace

template <class T>
Phases<T> dense_curvature(Weights<T> weights, int bias, bool trained) {
  const auto pack = [=](const View<T>& v, const Team& team) {
    const Index inputs = v.in[0].columns, outputs = v.out.columns;
    pack_share(team, weights(v), outputs, true, outputs, inputs, v.workspace);
    if (const T* const w = direction(v, trained)) {
      pack_share(team, w, outputs, true, outputs, inputs, v.workspace + dense_panels<T>(inputs, outputs));
    }
  };
  Phase<T> values = dense_forward<T>(weights, bias, trained);
  values.values = true;
  Phases<T> phases{{values, over_rows<T>([=](const View<T>& v) { forward(v, weights, bias, trained); })},
                   {over_parameters<T>(pack), over_rows<T>([=](const View<T>& v) { backward(v, trained); })},
                   {}};
  if (trained) {
    phases.gradient.push_back(over_parameters<T>(&kernel_gradient<T>));
    if (bias >= 0) {
      const auto of_derivatives = [run = dense_bias_gradient<T>(bias).run](const View<T>& v, const Team& team) {
        View<T> derivatives = v;
        derivatives.out = v.along->out;
        run(derivatives, team);
      };
      phases.gradient.push_back(over_parameters<T>(of_derivatives));
    }
  }
  return phases;
}

template Phases<float> dense_curvature(Weights<float>, int, bool);
template Phases<double> dense_curvature(Weights<double>, int, bool);

}  // namespace fastopt
