// Dropout and Gaussian noise on NumPy arrays.
#include "ops/noise.h"

#include <cmath>

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "ops/elementwise.h"

namespace fastopt::bindings {

namespace {

py::tuple dropout_forward(const py::object& x, double rate, std::uint64_t seed, std::uint64_t stream,
                          const py::object& out) {
  if (!(rate >= 0 && rate < 1)) {
    throw std::invalid_argument("rate must be at least 0 and less than 1, got " + std::to_string(rate));
  }
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), columns = a.shape(1);
    py::array y = output<T>(out, "out", {rows, columns});
    check_no_overlap(y, "out", a, "x", true);
    py::array mask = new_array<T>({rows, columns});
    const T* from = data<T>(a);
    T *to = mutable_data<T>(y), *factors = mutable_data<T>(mask);
    {
      const Released released;
      ops::dropout(seed, stream, rate, from, factors, to, rows, columns);
    }
    return py::make_tuple(y, mask);
  });
}

py::array dropout_backward(const py::object& dy, const py::object& mask, const py::object& out) {
  return by_dtype(dy, "dy", [&]<class T>(T) -> py::array {
    const py::array a = checked<T>(dy, "dy");
    const py::array m = checked<T>(mask, "mask", shape_of(a));
    py::array dx = output<T>(out, "out", shape_of(a));
    check_no_overlap(dx, "out", a, "dy", true);
    check_no_overlap(dx, "out", m, "mask");
    const T *from = data<T>(a), *factors = data<T>(m);
    T* to = mutable_data<T>(dx);
    const Index size = a.size();
    const Released released;
    ops::multiply(from, factors, to, size);
    return dx;
  });
}

py::array gaussian_noise(const py::object& x, double stddev, std::uint64_t seed, std::uint64_t stream,
                         const py::object& out) {
  if (!(stddev >= 0 && std::isfinite(stddev))) {
    throw std::invalid_argument("stddev must be at least 0 and finite, got " + std::to_string(stddev));
  }
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), columns = a.shape(1);
    py::array y = output<T>(out, "out", {rows, columns});
    check_no_overlap(y, "out", a, "x", true);
    const T* from = data<T>(a);
    T* to = mutable_data<T>(y);
    const Released released;
    ops::gaussian_noise(seed, stream, stddev, from, to, rows, columns);
    return y;
  });
}

}  // namespace

void add_noise(py::module_& m) {
  const py::object none = py::none();
  m.def("dropout_forward", &dropout_forward, py::arg("x"), py::arg("rate"), py::arg("seed"), py::arg("stream"),
        py::arg("out") = none);
  m.def("dropout_backward", &dropout_backward, py::arg("dy"), py::arg("mask"), py::arg("out") = none);
  m.def("gaussian_noise", &gaussian_noise, py::arg("x"), py::arg("stddev"), py::arg("seed"), py::arg("stream"),
        py::arg("out") = none);
}

}  // namespace fastopt::bindings
