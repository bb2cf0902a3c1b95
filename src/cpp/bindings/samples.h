// Samples as they come from Python.
#pragma once

#include <string>
#include <vector>

#include "bindings/array.h"
#include "nn/input.h"

namespace fastopt::bindings {

// x [n, columns] of any strides, of float32, float64, an integer type or bool; or sparse, with the attributes of
// `fastopt.data.sparse.SparseRows`.
Samples samples(const py::handle& object, Index columns);

// The same for those that compute with T.
template <class T>
Samples samples_of(const py::handle& object, Index columns) {
  const Samples x = samples(object, columns);
  if (x.sparse() && x.type != (sizeof(T) == 4 ? Type::f32 : Type::f64)) {
    raise(PyExc_TypeError, std::string("the values of a sparse x must be ") + dtype_name<T>);
  }
  return x;
}

// Whether the entries of each row of a sparse matrix [n, width] are in the order of their columns. Throws where one is
// in no column, or the rows do not follow each other.
bool in_order(const std::string& name, const py::object& starts, const py::object& columns, Index width);

// Raises where one of x [n, columns] is no id of its column: an integer from 0 to less than counts[column].
void check_ids(const std::string& name, const py::object& x, const std::vector<Index>& counts);

// A copy of numbers of such samples, at least one.
std::vector<Index> row_numbers(const py::handle& object, const std::string& name, Index rows);

}  // namespace fastopt::bindings
