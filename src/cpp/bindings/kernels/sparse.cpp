// Products of sparse rows with NumPy arrays.
#include "kernels/sparse/args.h"

#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/samples.h"

namespace fastopt::bindings {

namespace {

// y = x kernel + bias
py::array sparse_forward(const py::object& x, const py::object& kernel, const py::object& bias, const py::object& out) {
  return by_dtype(kernel, "kernel", [&]<class T>(T) {
    const py::array b = checked<T>(kernel, "kernel", {-1, -1});
    const Index depth = b.shape(0), columns = b.shape(1);
    const Samples s = samples_of<T>(x, depth);
    const std::optional<py::array> add = optional<T>(bias, "bias", {columns});
    py::array y = output<T>(out, "out", {s.rows, columns});
    const SparseProduct<T> product{.rows = s.rows,
                                   .columns = columns,
                                   .x = sparse_rows<T>(s, {s.rows}, {0, s.rows}),
                                   .b = data<T>(b),
                                   .bias = data<T>(add),
                                   .y = {mutable_data<T>(y), columns}};
    const Released released;
    kernels<T>().sparse.multiply(product);
    return y;
  });
}

// Rows first, first + 1, ... of x' dy, as many as `out` has.
py::array sparse_backward_kernel(const py::object& x, const py::object& dy, Index inputs, Index first,
                                 const py::object& out) {
  return by_dtype(dy, "dy", [&]<class T>(T) {
    const Samples s = samples_of<T>(x, inputs);
    const py::array d = checked<T>(dy, "dy", {s.rows, -1});
    const Index columns = d.shape(1);
    py::array to = checked<T>(out, "out", {-1, columns}, Access::write);
    const SparseTransposed<T> product{.rows = s.rows,
                                      .columns = columns,
                                      .x = sparse_rows<T>(s, {s.rows}, {0, s.rows}),
                                      .dy = {data<T>(d), columns},
                                      .part = {first, first + to.shape(0)},
                                      .to = mutable_data<T>(to)};
    const Released released;
    kernels<T>().sparse.multiply_transposed(product);
    return to;
  });
}

}  // namespace

void add_sparse(py::module_& m) {
  m.def("sparse_forward", &sparse_forward, py::arg("x"), py::arg("kernel"), py::arg("bias") = py::none(),
        py::arg("out") = py::none());
  m.def("sparse_backward_kernel", &sparse_backward_kernel, py::arg("x"), py::arg("dy"), py::arg("inputs"),
        py::arg("first"), py::arg("out"));
}

}  // namespace fastopt::bindings
