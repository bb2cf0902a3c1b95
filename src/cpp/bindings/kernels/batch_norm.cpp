// Batch normalisation on NumPy arrays.
#include "ops/batch_norm.h"

#include "bindings/gil.h"
#include "bindings/kernels/channels.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

py::tuple batch_norm_forward(const py::object& x, const py::object& gamma, const py::object& beta, double epsilon,
                             bool channels_last, const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const Input<T> in = input<T>(x, "x", channels_last);
    if (in.rows == 0) {
      throw std::invalid_argument("x must have samples to take moments of, got shape " + shape_text(in.shape()));
    }
    const Index channels = in.features.channels;
    const auto g = optional<T>(gamma, "gamma", {channels}), b = optional<T>(beta, "beta", {channels});
    py::array y = output<T>(out, "out", in.shape());
    check_no_overlap(y, "out", in.array, "x", true);
    check_apart(y, {{g, "gamma"}, {b, "beta"}});
    py::array mean = new_array<T>({channels}), variance = new_array<T>({channels}), rstd = new_array<T>({channels});
    const BatchMoments<T> moments{.rows = in.rows,
                                  .features = in.features,
                                  .x = in.rows_of(in.array),
                                  .epsilon = static_cast<T>(epsilon),
                                  .mean = mutable_data<T>(mean),
                                  .variance = mutable_data<T>(variance),
                                  .rstd = mutable_data<T>(rstd)};
    const BatchNorm<T> all{.rows = in.rows,
                           .features = in.features,
                           .gamma = data<T>(g),
                           .beta = data<T>(b),
                           .mean = moments.mean,
                           .rstd = moments.rstd,
                           .x = moments.x,
                           .y = in.written_rows_of(y)};
    {
      const Released released;
      ops::batch_norm_forward(moments, all);
    }
    return py::make_tuple(y, mean, variance);
  });
}

py::array batch_norm_inference(const py::object& x, const py::object& mean, const py::object& variance,
                               const py::object& gamma, const py::object& beta, double epsilon, bool channels_last,
                               const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) {
    const Input<T> in = input<T>(x, "x", channels_last);
    const Index channels = in.features.channels;
    const py::array m = checked<T>(mean, "mean", {channels}), v = checked<T>(variance, "variance", {channels});
    const auto g = optional<T>(gamma, "gamma", {channels}), b = optional<T>(beta, "beta", {channels});
    py::array y = output<T>(out, "out", in.shape());
    check_no_overlap(y, "out", in.array, "x", true);
    check_apart(y, {{m, "mean"}, {v, "variance"}, {g, "gamma"}, {b, "beta"}});
    const Buffer<T> rstd = ops::inverse_deviation(data<T>(v), static_cast<T>(epsilon), channels);
    const BatchNorm<T> all{.rows = in.rows,
                           .features = in.features,
                           .gamma = data<T>(g),
                           .beta = data<T>(b),
                           .mean = data<T>(m),
                           .rstd = rstd.data(),
                           .x = in.rows_of(in.array),
                           .y = in.written_rows_of(y)};
    const Released released;
    ops::batch_norm_inference(all);
    return y;
  });
}

py::tuple batch_norm_backward(const py::object& dy, const py::object& x, const py::object& mean,
                              const py::object& variance, const py::object& gamma, double epsilon, bool fixed,
                              bool channels_last, const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const Input<T> in = input<T>(x, "x", channels_last);
    const Index channels = in.features.channels;
    const py::array d = checked<T>(dy, "dy", in.shape());
    const py::array m = checked<T>(mean, "mean", {channels}), v = checked<T>(variance, "variance", {channels});
    const auto g = optional<T>(gamma, "gamma", {channels});
    py::array dx = output<T>(out, "out", in.shape());
    check_no_overlap(dx, "out", d, "dy", true);
    check_apart(dx, {{in.array, "x"}, {m, "mean"}, {v, "variance"}, {g, "gamma"}});
    py::array dgamma = new_array<T>({channels}), dbeta = new_array<T>({channels});
    const Buffer<T> rstd = ops::inverse_deviation(data<T>(v), static_cast<T>(epsilon), channels);
    const BatchNormBackward<T> all{.rows = in.rows,
                                   .features = in.features,
                                   .gamma = data<T>(g),
                                   .mean = data<T>(m),
                                   .rstd = rstd.data(),
                                   .x = in.rows_of(in.array),
                                   .dy = in.rows_of(d),
                                   .dgamma = mutable_data<T>(dgamma),
                                   .dbeta = mutable_data<T>(dbeta),
                                   .count = fixed ? 0 : in.rows * in.features.space,
                                   .dx = in.written_rows_of(dx)};
    {
      const Released released;
      ops::batch_norm_backward(all);
    }
    return py::make_tuple(dx, dgamma, dbeta);
  });
}

}  // namespace

void add_batch_norm(py::module_& m) {
  const py::object none = py::none();
  m.def("batch_norm_forward", &batch_norm_forward, py::arg("x"), py::arg("gamma") = none, py::arg("beta") = none,
        py::arg("epsilon") = 1e-5, py::arg("channels_last") = false, py::arg("out") = none);
  m.def("batch_norm_inference", &batch_norm_inference, py::arg("x"), py::arg("mean"), py::arg("variance"),
        py::arg("gamma") = none, py::arg("beta") = none, py::arg("epsilon") = 1e-5, py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("batch_norm_backward", &batch_norm_backward, py::arg("dy"), py::arg("x"), py::arg("mean"), py::arg("variance"),
        py::arg("gamma") = none, py::arg("epsilon") = 1e-5, py::arg("fixed") = false, py::arg("channels_last") = false,
        py::arg("out") = none);
}

}  // namespace fastopt::bindings
