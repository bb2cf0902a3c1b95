// Periodic functions of features on NumPy arrays.
#include "ops/periodic.h"

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

template <class T>
Rows<const T> rows_of(const py::array& array, Index columns) {
  return {data<T>(array), columns};
}

py::tuple periodic_forward(const py::object& x, const py::object& frequencies, const py::object& phases,
                           const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), features = a.shape(1);
    const py::array c = checked<T>(frequencies, "frequencies", {features, -1});
    const Index count = c.shape(1);
    const auto b = optional<T>(phases, "phases", {features, count});
    const Index width = b ? count : checked_product(2, count);
    py::array y = output<T>(out, "out", {rows, features, width});
    check_apart(y, {{a, "x"}, {c, "frequencies"}, {b, "phases"}});
    py::array derivative = new_array<T>({rows, features, width});
    const Periodic<T> all{.rows = rows,
                          .features = features,
                          .frequencies = count,
                          .frequency = data<T>(c),
                          .phase = data<T>(b),
                          .x = rows_of<T>(a, features),
                          .y = {mutable_data<T>(y), features * width},
                          .derivative = {mutable_data<T>(derivative), features * width}};
    {
      const Released released;
      ops::periodic_forward(all);
    }
    return py::make_tuple(y, derivative);
  });
}

py::tuple periodic_backward(const py::object& dy, const py::object& x, const py::object& frequencies,
                            const py::object& derivative, bool phases, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), features = a.shape(1);
    const py::array c = checked<T>(frequencies, "frequencies", {features, -1});
    const Index count = c.shape(1), width = phases ? count : checked_product(2, count);
    const py::array g = checked<T>(dy, "dy", {rows, features, width});
    const py::array d = checked<T>(derivative, "derivative", {rows, features, width});
    py::array dx = output<T>(out, "out", {rows, features});
    check_apart(dx, {{g, "dy"}, {a, "x"}, {c, "frequencies"}, {d, "derivative"}});
    py::array dc = new_array<T>({features, count});
    py::object db = phases ? py::object(new_array<T>({features, count})) : py::none();
    const PeriodicBackward<T> all{
        .rows = rows,
        .features = features,
        .frequencies = count,
        .frequency = data<T>(c),
        .phases = phases,
        .x = rows_of<T>(a, features),
        .dy = rows_of<T>(g, features * width),
        .derivative = rows_of<T>(d, features * width),
        .dx = {mutable_data<T>(dx), features},
        .dfrequency = mutable_data<T>(dc),
        .dphase = phases ? static_cast<T*>(py::reinterpret_borrow<py::array>(db).mutable_data()) : nullptr};
    {
      const Released released;
      ops::periodic_backward(all);
    }
    return py::make_tuple(dx, dc, db);
  });
}

}  // namespace

void add_periodic(py::module_& m) {
  const py::object none = py::none();
  m.def("periodic_forward", &periodic_forward, py::arg("x"), py::arg("frequencies"), py::arg("phases") = none,
        py::arg("out") = none);
  m.def("periodic_backward", &periodic_backward, py::arg("dy"), py::arg("x"), py::arg("frequencies"),
        py::arg("derivative"), py::arg("phases") = false, py::arg("out") = none);
}

}  // namespace fastopt::bindings
