// PReLU on NumPy arrays.
#include "ops/prelu.h"

#include "bindings/gil.h"
#include "bindings/kernels/channels.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

py::array prelu_forward(const py::object& x, const py::object& alpha, bool channels_last, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const Input<T> in = input<T>(x, "x", channels_last);
    const py::array a = checked<T>(alpha, "alpha", in.channel_shape());
    py::array y = output<T>(out, "out", in.shape());
    check_no_overlap(y, "out", in.array, "x", true);
    check_no_overlap(y, "out", a, "alpha");
    const PreluPass<T> all{.rows = in.rows,
                           .features = in.features,
                           .alpha = data<T>(a),
                           .x = in.rows_of(in.array),
                           .v = in.rows_of(in.array),
                           .y = in.written_rows_of(y)};
    const Released released;
    ops::prelu_forward(all);
    return y;
  });
}

py::tuple prelu_backward(const py::object& dy, const py::object& x, const py::object& alpha, bool channels_last,
                         const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const Input<T> in = input<T>(x, "x", channels_last);
    const py::array d = checked<T>(dy, "dy", in.shape());
    const py::array a = checked<T>(alpha, "alpha", in.channel_shape());
    py::array dx = output<T>(out, "out", in.shape());
    check_no_overlap(dx, "out", d, "dy", true);
    check_apart(dx, {{in.array, "x"}, {a, "alpha"}});
    py::array dalpha = new_array<T>(in.channel_shape());
    const PreluPass<T> all{.rows = in.rows,
                           .features = in.features,
                           .alpha = data<T>(a),
                           .x = in.rows_of(in.array),
                           .v = in.rows_of(d),
                           .y = in.written_rows_of(dx)};
    const PreluSums<T> sums{
        .rows = in.rows, .features = in.features, .x = all.x, .dy = all.v, .dalpha = mutable_data<T>(dalpha)};
    {
      const Released released;
      ops::prelu_backward(all, sums);
    }
    return py::make_tuple(dx, dalpha);
  });
}

}  // namespace

void add_prelu(py::module_& m) {
  const py::object none = py::none();
  m.def("prelu_forward", &prelu_forward, py::arg("x"), py::arg("alpha"), py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("prelu_backward", &prelu_backward, py::arg("dy"), py::arg("x"), py::arg("alpha"),
        py::arg("channels_last") = false, py::arg("out") = none);
}

}  // namespace fastopt::bindings
