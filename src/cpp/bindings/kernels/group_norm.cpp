// Layer, RMS, group and instance normalisation on NumPy arrays.
#include "ops/group_norm.h"

#include "bindings/gil.h"
#include "bindings/kernels/channels.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

// Parameters of each element of a row, if that is the shape of gamma or beta: then each is a channel, of one group.
template <class T>
std::vector<Index> parameter_shape(Input<T>& x, Index groups, const py::object& gamma, const py::object& beta) {
  if (groups == 1) {
    const std::vector<Index> shape = x.shape();
    const std::vector<Index> elements(shape.begin() + 1, shape.end());
    for (const py::object& parameter : {gamma, beta}) {
      if (py::isinstance<py::array>(parameter) && shape_of(py::reinterpret_borrow<py::array>(parameter)) == elements) {
        x.features = {x.features.size()};
        return elements;
      }
    }
  } else if (groups < 1 || x.features.channels % groups != 0) {
    throw std::invalid_argument("groups must divide the " + std::to_string(x.features.channels) + " channels, got " +
                                std::to_string(groups));
  }
  return x.channel_shape();
}

py::tuple group_norm_forward(const py::object& x, const py::object& gamma, const py::object& beta, Index groups,
                             double epsilon, bool centred, bool channels_last, const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    Input<T> in = input<T>(x, "x", channels_last);
    const std::vector<Index> shape = parameter_shape(in, groups, gamma, beta);
    const auto g = optional<T>(gamma, "gamma", shape), b = optional<T>(beta, "beta", shape);
    py::array y = output<T>(out, "out", in.shape());
    check_no_overlap(y, "out", in.array, "x", true);
    check_apart(y, {{g, "gamma"}, {b, "beta"}});
    py::array moments = new_array<T>({in.rows, 2, groups});
    const GroupNorm<T> all{.rows = in.rows,
                           .groups = groups,
                           .features = in.features,
                           .centred = centred,
                           .epsilon = static_cast<T>(epsilon),
                           .gamma = data<T>(g),
                           .beta = data<T>(b),
                           .x = in.rows_of(in.array),
                           .y = in.written_rows_of(y),
                           .moments = {mutable_data<T>(moments), 2 * groups}};
    {
      const Released released;
      ops::group_norm_forward(all);
    }
    return py::make_tuple(y, moments);
  });
}

py::tuple group_norm_backward(const py::object& dy, const py::object& x, const py::object& moments,
                              const py::object& gamma, Index groups, bool centred, bool channels_last,
                              const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    Input<T> in = input<T>(x, "x", channels_last);
    const std::vector<Index> shape = parameter_shape(in, groups, gamma, py::none());
    const py::array d = checked<T>(dy, "dy", in.shape());
    const py::array m = checked<T>(moments, "moments", {in.rows, 2, groups});
    const auto g = optional<T>(gamma, "gamma", shape);
    py::array dx = output<T>(out, "out", in.shape());
    check_no_overlap(dx, "out", d, "dy", true);
    check_apart(dx, {{in.array, "x"}, {m, "moments"}, {g, "gamma"}});
    py::array dgamma = new_array<T>(shape), dbeta = new_array<T>(shape);
    const GroupNormBackward<T> all{.rows = in.rows,
                                   .groups = groups,
                                   .features = in.features,
                                   .centred = centred,
                                   .gamma = data<T>(g),
                                   .x = in.rows_of(in.array),
                                   .dy = in.rows_of(d),
                                   .moments = {data<T>(m), 2 * groups},
                                   .dx = in.written_rows_of(dx),
                                   .dgamma = mutable_data<T>(dgamma),
                                   .dbeta = mutable_data<T>(dbeta)};
    {
      const Released released;
      ops::group_norm_backward(all);
    }
    return py::make_tuple(dx, dgamma, dbeta);
  });
}

}  // namespace

void add_group_norm(py::module_& m) {
  const py::object none = py::none();
  m.def("group_norm_forward", &group_norm_forward, py::arg("x"), py::arg("gamma") = none, py::arg("beta") = none,
        py::arg("groups") = 1, py::arg("epsilon") = 1e-5, py::arg("centred") = true, py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("group_norm_backward", &group_norm_backward, py::arg("dy"), py::arg("x"), py::arg("moments"),
        py::arg("gamma") = none, py::arg("groups") = 1, py::arg("centred") = true, py::arg("channels_last") = false,
        py::arg("out") = none);
}

}  // namespace fastopt::bindings
