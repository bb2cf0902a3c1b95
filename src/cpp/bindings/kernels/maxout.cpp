// Maxout on NumPy arrays.
#include "ops/maxout.h"

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

void check_pieces(Index pieces) {
  if (pieces < 1) {
    throw std::invalid_argument("pieces must be at least 1, got " + std::to_string(pieces));
  }
}

py::tuple maxout_forward(const py::object& x, Index pieces, const py::object& out) {
  check_pieces(pieces);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), columns = a.shape(1), units = columns / pieces;
    if (columns % pieces != 0) {
      throw std::invalid_argument("the columns of x must be a multiple of pieces=" + std::to_string(pieces) +
                                  ", got shape " + shape_text(shape_of(a)));
    }
    py::array y = output<T>(out, "out", {rows, units});
    check_no_overlap(y, "out", a, "x");
    py::array piece = new_array<Index>({rows, units});
    const T* from = data<T>(a);
    T* to = mutable_data<T>(y);
    Index* largest = mutable_data<Index>(piece);
    {
      const Released released;
      ops::largest_pieces(from, rows * units, pieces, to, largest);
    }
    return py::make_tuple(y, piece);
  });
}

py::array maxout_backward(const py::object& dy, const py::object& piece, Index pieces, const py::object& out) {
  check_pieces(pieces);
  return by_dtype(dy, "dy", [&]<class T>(T) {
    const py::array d = checked<T>(dy, "dy", {-1, -1});
    const py::array k = checked<Index>(piece, "piece", shape_of(d));
    const Index* largest = data<Index>(k);
    const Index size = d.size(), columns = checked_product(d.shape(1), pieces);
    for (Index i = 0; i < size; ++i) {
      if (largest[i] < 0 || largest[i] >= pieces) {
        throw std::invalid_argument("piece[" + std::to_string(i / d.shape(1)) + ", " + std::to_string(i % d.shape(1)) +
                                    "] = " + std::to_string(largest[i]) + " is not in 0.." +
                                    std::to_string(pieces - 1));
      }
    }
    py::array dx = output<T>(out, "out", {d.shape(0), columns});
    check_apart(dx, {{d, "dy"}, {k, "piece"}});
    const T* from = data<T>(d);
    T* to = mutable_data<T>(dx);
    const Released released;
    ops::spread_to_pieces(from, largest, size, pieces, to);
    return dx;
  });
}

}  // namespace

void add_maxout(py::module_& m) {
  const py::object none = py::none();
  m.def("maxout_forward", &maxout_forward, py::arg("x"), py::arg("pieces"), py::arg("out") = none);
  m.def("maxout_backward", &maxout_backward, py::arg("dy"), py::arg("piece"), py::arg("pieces"), py::arg("out") = none);
}

}  // namespace fastopt::bindings
