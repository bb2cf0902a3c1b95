// Sparse coding on NumPy arrays.
#include "ops/sparse_coding.h"

#include "bindings/array.h"
#include "bindings/module.h"
#include "bindings/python_calls.h"

namespace fastopt::bindings {

namespace {

// use(problem, codes) of arrays x [n, features], dictionary [atoms, features], codes [n, atoms].
template <class Use>
auto with_codes(const py::object& x, const py::object& dictionary, const py::object& codes, double penalty,
                Access access, Use&& use) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array samples = checked<T>(x, "x", {-1, -1});
    const py::array atoms = checked<T>(dictionary, "dictionary", {-1, samples.shape(1)});
    py::array code = checked<T>(codes, "codes", {samples.shape(0), atoms.shape(0)}, access);
    if (access == Access::write) {
      check_apart(code, {{samples, "x"}, {atoms, "dictionary"}});
    }
    return use(ops::SparseCoding<T>{.samples = samples.shape(0),
                                    .features = samples.shape(1),
                                    .atoms = atoms.shape(0),
                                    .x = data<T>(samples),
                                    .dictionary = data<T>(atoms),
                                    .penalty = penalty},
               code);
  });
}

Index sparse_encode(const py::object& x, const py::object& dictionary, const py::object& codes, double penalty,
                    double tolerance, Index sweeps) {
  return with_codes(
      x, dictionary, codes, penalty, Access::write, [&]<class T>(const ops::SparseCoding<T>& problem, py::array& code) {
        T* const to = mutable_data<T>(code);
        Index outside = 0;
        run_watched([&](Watch& watch) { outside = ops::sparse_encode(problem, tolerance, sweeps, to, watch); });
        return outside;
      });
}

py::array sparse_cost(const py::object& x, const py::object& dictionary, const py::object& codes, double penalty) {
  return with_codes(x, dictionary, codes, penalty, Access::read,
                    [&]<class T>(const ops::SparseCoding<T>& problem, py::array& code) {
                      py::array costs = new_array<double>({problem.samples});
                      const T* const from = data<T>(code);
                      double* const to = mutable_data<double>(costs);
                      const Released released;
                      ops::sparse_cost(problem, from, to);
                      return costs;
                    });
}

double update_dictionary(const py::object& moments, const py::object& products, const py::object& dictionary) {
  return by_dtype(dictionary, "dictionary", [&]<class T>(T) {
    py::array atoms = checked<T>(dictionary, "dictionary", {-1, -1}, Access::write);
    const Index count = atoms.shape(0), features = atoms.shape(1);
    const py::array a = checked<T>(moments, "moments", {count, count});
    const py::array b = checked<T>(products, "products", {count, features});
    check_apart(atoms, {{a, "moments"}, {b, "products"}});
    T* const to = mutable_data<T>(atoms);
    const T *const with = data<T>(a), *const of = data<T>(b);
    const Released released;
    return ops::update_dictionary(count, features, with, of, to);
  });
}

}  // namespace

void add_sparse_coding(py::module_& m) {
  m.def("sparse_encode", &sparse_encode, py::arg("x"), py::arg("dictionary"), py::arg("codes"), py::arg("penalty"),
        py::arg("tolerance"), py::arg("sweeps"));
  m.def("sparse_cost", &sparse_cost, py::arg("x"), py::arg("dictionary"), py::arg("codes"), py::arg("penalty"));
  m.def("update_dictionary", &update_dictionary, py::arg("moments"), py::arg("products"), py::arg("dictionary"));
}

}  // namespace fastopt::bindings
