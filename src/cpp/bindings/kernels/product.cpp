// Dense layers on NumPy arrays.
#include "ops/product.h"

#include "bindings/array.h"
#include "bindings/module.h"
#include "bindings/python_calls.h"
#include "ops/activation.h"

namespace fastopt::bindings {

namespace {

py::array dense_forward(const py::object& x, const py::object& kernel, const py::object& bias,
                        const std::string& activation, const py::object& out) {
  const int f = find_activation(activation);
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const py::array w = checked<T>(kernel, "kernel", {a.shape(1), -1});
    const Index rows = a.shape(0), inputs = a.shape(1), outputs = w.shape(1);
    const auto b = optional<T>(bias, "bias", {outputs});
    py::array y = output<T>(out, "out", {rows, outputs});
    check_apart(y, {{a, "x"}, {w, "kernel"}, {b, "bias"}});
    T* const to = mutable_data<T>(y);
    const Product<T> product{.rows = rows,
                             .columns = outputs,
                             .depth = inputs,
                             .a = {data<T>(a), inputs},
                             .b = {},
                             .c = {to, outputs},
                             .bias = data<T>(b),
                             .activate = fused_activate<T>(f)};
    run_watched([&](Watch& watch) {
      ops::multiply<T>(product, data<T>(w), outputs, false, watch);
      if (f != linear && !product.activate) {
        ops::activate<T>(f, to, to, rows, outputs);
      }
    });
    return y;
  });
}

py::array dense_backward_input(const py::object& dy, const py::object& kernel, const py::object& y,
                               const std::string& activation, const py::object& out) {
  const int f = find_activation(activation);
  if (!activation_kernel(f).elementwise) {
    throw std::invalid_argument(activation + " is not elementwise; use activation_backward('" + activation + "', ...)");
  }
  if (activation_kernel(f).from_input) {
    throw std::invalid_argument(activation +
                                " is differentiated from its input, not its output; use activation_backward");
  }
  if (f != linear && y.is_none()) {
    throw std::invalid_argument("activation '" + activation + "' needs y, the activated values that fed the layer");
  }
  return by_dtype(dy, "dy", [&]<class T>(T) {
    const py::array a = checked<T>(dy, "dy", {-1, -1});
    const py::array w = checked<T>(kernel, "kernel", {-1, a.shape(1)});
    const Index rows = a.shape(0), outputs = a.shape(1), inputs = w.shape(0);
    const auto values = f == linear ? std::nullopt : optional<T>(y, "y", {rows, inputs});
    py::array dx = output<T>(out, "out", {rows, inputs});
    check_apart(dx, {{a, "dy"}, {w, "kernel"}, {values, "y"}});
    const Product<T> product{.rows = rows,
                             .columns = inputs,
                             .depth = outputs,
                             .a = {data<T>(a), outputs},
                             .b = {},
                             .c = {mutable_data<T>(dx), inputs},
                             .differentiate = fused_differentiate<T>(f),
                             .y = {data<T>(values), inputs}};
    run_watched([&](Watch& watch) { ops::multiply<T>(product, data<T>(w), outputs, true, watch); });
    return dx;
  });
}

py::array dense_backward_kernel(const py::object& x, const py::object& dy, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const py::array b = checked<T>(dy, "dy", {a.shape(0), -1});
    const Index depth = a.shape(0), inputs = a.shape(1), outputs = b.shape(1);
    py::array dw = output<T>(out, "out", {inputs, outputs});
    check_apart(dw, {{a, "x"}, {b, "dy"}});
    const Product<T> product{.rows = inputs,
                             .columns = outputs,
                             .depth = depth,
                             .a = {data<T>(a), inputs},
                             .a_transposed = true,
                             .b = {},
                             .c = {mutable_data<T>(dw), outputs}};
    run_watched([&](Watch& watch) { ops::multiply<T>(product, data<T>(b), outputs, false, watch); });
    return dw;
  });
}

}  // namespace

void add_product(py::module_& m) {
  const py::object none = py::none();
  m.def("dense_forward", &dense_forward, py::arg("x"), py::arg("kernel"), py::arg("bias") = none,
        py::arg("activation") = "linear", py::arg("out") = none);
  m.def("dense_backward_input", &dense_backward_input, py::arg("dy"), py::arg("kernel"), py::arg("y") = none,
        py::arg("activation") = "linear", py::arg("out") = none);
  m.def("dense_backward_kernel", &dense_backward_kernel, py::arg("x"), py::arg("dy"), py::arg("out") = none);
}

}  // namespace fastopt::bindings
