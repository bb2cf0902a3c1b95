// Activations and elementwise functions on NumPy arrays.
#include "ops/activation.h"

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "ops/elementwise.h"

namespace fastopt::bindings {

namespace {

// Which activations need their argument for the gradient.
py::dict all_activations() {
  py::dict all;
  for (const auto& activation : activations()) {
    all[py::str(std::string(activation.name))] = activation.from_input;
  }
  return all;
}

// Rows and columns of an array for an activation.
std::pair<Index, Index> rows_and_columns(const py::array& array, int activation) {
  if (activation_kernel(activation).elementwise) {
    return {1, array.size()};
  }
  if (array.ndim() != 2) {
    throw std::invalid_argument(std::string(activation_kernel(activation).name) +
                                " works on the rows of a 2-D array, got shape " + shape_text(shape_of(array)));
  }
  return {array.shape(0), array.shape(1)};
}

py::array activation_forward(const std::string& name, const py::object& x, const py::object& out) {
  const int f = find_activation(name);
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array z = checked<T>(x, "x");
    const auto [rows, columns] = rows_and_columns(z, f);
    py::array y = output<T>(out, "out", shape_of(z));
    check_no_overlap(y, "out", z, "x", true);
    const T* from = data<T>(z);
    T* to = mutable_data<T>(y);
    const Released released;
    ops::activate(f, from, to, rows, columns);
    return y;
  });
}

py::array activation_backward(const std::string& name, const py::object& at, const py::object& dy,
                              const py::object& out) {
  const int f = find_activation(name);
  const char* const name_at = activation_kernel(f).from_input ? "x" : "y";
  return by_dtype(at, name_at, [&]<class T>(T) {
    const py::array value = checked<T>(at, name_at);
    const std::vector<Index> shape = shape_of(value);
    const py::array gradient = checked<T>(dy, "dy", shape);
    const auto [rows, columns] = rows_and_columns(value, f);
    py::array dz = output<T>(out, "out", shape);
    check_no_overlap(dz, "out", value, name_at);
    check_no_overlap(dz, "out", gradient, "dy", true);
    const T *values = data<T>(value), *from = data<T>(gradient);
    T* to = mutable_data<T>(dz);
    const Released released;
    ops::differentiate(f, values, from, to, rows, columns);
    return dz;
  });
}

// y = f(x) elementwise with one of the table's functions.
template <class Pick>
py::array elementwise(const py::object& x, const py::object& out, Pick&& pick) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x");
    py::array y = output<T>(out, "out", shape_of(a));
    check_no_overlap(y, "out", a, "x", true);
    const T* from = data<T>(a);
    T* to = mutable_data<T>(y);
    const Index size = a.size();
    const Released released;
    ops::apply(pick(kernels<T>().elementwise), from, to, size);
    return y;
  });
}

py::array exp(const py::object& x, const py::object& out) {
  return elementwise(x, out, [](const auto& table) { return table.exp; });
}

py::array log(const py::object& x, const py::object& out) {
  return elementwise(x, out, [](const auto& table) { return table.log; });
}

}  // namespace

void add_activation(py::module_& m) {
  const py::object none = py::none();
  m.def("activations", &all_activations);
  m.def("activation_forward", &activation_forward, py::arg("name"), py::arg("x"), py::arg("out") = none);
  m.def("activation_backward", &activation_backward, py::arg("name"), py::arg("at"), py::arg("dy"),
        py::arg("out") = none);
  m.def("exp", &exp, py::arg("x"), py::arg("out") = none);
  m.def("log", &log, py::arg("x"), py::arg("out") = none);
}

}  // namespace fastopt::bindings
