// Sums of NumPy arrays.
#include "ops/reduce.h"

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

py::array column_sum(const py::object& x, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), columns = a.shape(1);
    py::array total = output<T>(out, "out", {columns});
    check_no_overlap(total, "out", a, "x");
    const T* from = data<T>(a);
    T* to = mutable_data<T>(total);
    const Released released;
    ops::column_sum(from, rows, columns, to);
    return total;
  });
}

// use(elements, size) of an array.
template <class Use>
auto reduction(const py::object& x, Use&& use) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x");
    const T* from = data<T>(a);
    const Index size = a.size();
    const Released released;
    return use(from, size);
  });
}

double sum(const py::object& x) {
  return reduction(x, [](const auto* from, Index size) { return ops::sum(from, size); });
}

double norm(const py::object& x) {
  return reduction(x, [](const auto* from, Index size) { return ops::norm(from, size); });
}

Index first_nonfinite(const py::object& x) {
  return reduction(x,
                   []<class T>(const T* from, Index size) { return kernels<T>().reduce.first_nonfinite(from, size); });
}

}  // namespace

void add_reduce(py::module_& m) {
  m.def("column_sum", &column_sum, py::arg("x"), py::arg("out") = py::none());
  m.def("sum", &sum, py::arg("x"));
  m.def("norm", &norm, py::arg("x"));
  m.def("first_nonfinite", &first_nonfinite, py::arg("x"));
}

}  // namespace fastopt::bindings
