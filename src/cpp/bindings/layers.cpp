// What layers do that are neither sums nor normalisations, on NumPy arrays.
#include <cmath>

#include "bindings/channels.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "kernels/dropout/args.h"
#include "kernels/elementwise/args.h"
#include "kernels/maxout/args.h"
#include "kernels/prelu/args.h"
#include "runtime/cpu.h"
#include "runtime/random.h"
#include "runtime/team.h"

namespace fastopt::bindings {

namespace {

// --- Noise -----------------------------------------------------------------------------------------------------------

// Operations an element, roughly, of drawing from a normal distribution.
constexpr double normal_cost = 50;

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
    py::array_t<T> mask({rows, columns});
    const T* from = data<T>(a);
    T *to = mutable_data<T>(y), *factors = mask.mutable_data();
    {
      const Released released;
      parallel_for(rows, 1, elementwise_cost * static_cast<double>(rows * columns), [&](Range share) {
        for (Index i = share.begin; i < share.end; ++i) {
          kernels<T>().dropout.mask(seed, stream + static_cast<std::uint64_t>(i), rate, factors + i * columns, columns);
          kernels<T>().elementwise.multiply(from + i * columns, factors + i * columns, to + i * columns, columns);
        }
      });
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
    parallel_for(size, alignment, elementwise_cost * static_cast<double>(size), [&](Range share) {
      kernels<T>().elementwise.multiply(from + share.begin, factors + share.begin, to + share.begin, share.size());
    });
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
    parallel_for(rows, 1, normal_cost * static_cast<double>(rows * columns), [&](Range share) {
      for (Index i = share.begin; i < share.end; ++i) {
        add_random_normal(seed, stream + static_cast<std::uint64_t>(i), columns, stddev, from + i * columns,
                          to + i * columns);
      }
    });
    return y;
  });
}

// --- Rectifiers ------------------------------------------------------------------------------------------------------

template <class T>
void rectify(PreluPass<T> all, Range rows) {
  all.rows = rows.size();
  all.x = all.x.from(rows.begin);
  all.v = all.v.from(rows.begin);
  all.y = all.y.from(rows.begin);
  kernels<T>().prelu.pass(all);
}

py::array prelu_forward(const py::object& x, const py::object& alpha, bool channels_last, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const Input<T> in = input<T>(x, "x", channels_last);
    const py::array a = checked<T>(alpha, "alpha", in.channel_shape());
    py::array y = output<T>(out, "out", shape_of(in.array));
    check_no_overlap(y, "out", in.array, "x", true);
    check_no_overlap(y, "out", a, "alpha");
    const Rows<const T> from{data<T>(in.array), in.stride()};
    const PreluPass<T> all{.rows = in.rows,
                           .features = in.features,
                           .alpha = data<T>(a),
                           .x = from,
                           .v = from,
                           .y = {mutable_data<T>(y), in.stride()}};
    const Released released;
    parallel_for(in.rows, 1, in.cost(), [&](Range share) { rectify(all, share); });
    return y;
  });
}

py::tuple prelu_backward(const py::object& dy, const py::object& x, const py::object& alpha, bool channels_last,
                         const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const Input<T> in = input<T>(x, "x", channels_last);
    const py::array d = checked<T>(dy, "dy", shape_of(in.array));
    const py::array a = checked<T>(alpha, "alpha", in.channel_shape());
    py::array dx = output<T>(out, "out", shape_of(in.array));
    check_no_overlap(dx, "out", d, "dy", true);
    check_no_overlap(dx, "out", in.array, "x");
    check_no_overlap(dx, "out", a, "alpha");
    py::array dalpha = output<T>(py::none(), "", in.channel_shape());
    const Rows<const T> values{data<T>(in.array), in.stride()}, gradients{data<T>(d), in.stride()};
    const PreluPass<T> all{.rows = in.rows,
                           .features = in.features,
                           .alpha = data<T>(a),
                           .x = values,
                           .v = gradients,
                           .y = {mutable_data<T>(dx), in.stride()}};
    const PreluSums<T> sums{
        .rows = in.rows, .features = in.features, .x = values, .dy = gradients, .dalpha = mutable_data<T>(dalpha)};
    {
      const Released released;
      run_team(threads_for(2 * in.cost()), false, [&](const Team& team) {
        kernels<T>().prelu.sums(sums, team.split(in.features.channels, channel_grain));
        team.barrier();  // dx may be dy
        rectify(all, team.split(in.rows));
      });
    }
    return py::make_tuple(dx, dalpha);
  });
}

// --- Maxout ----------------------------------------------------------------------------------------------------------

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
    py::array_t<Index> piece({rows, units});
    const T* from = data<T>(a);
    T* to = mutable_data<T>(y);
    Index* place = piece.mutable_data();
    {
      const Released released;
      // All units of all rows are alike.
      parallel_for(rows * units, alignment, elementwise_cost * static_cast<double>(a.size()), [&](Range share) {
        kernels<T>().maxout.largest(from + share.begin * pieces, share.size(), pieces, to + share.begin,
                                    place + share.begin);
      });
    }
    return py::make_tuple(y, piece);
  });
}

py::array maxout_backward(const py::object& dy, const py::object& piece, Index pieces, const py::object& out) {
  check_pieces(pieces);
  return by_dtype(dy, "dy", [&]<class T>(T) {
    const py::array d = checked<T>(dy, "dy", {-1, -1});
    const py::array k = checked<Index>(piece, "piece", shape_of(d));
    const Index* place = data<Index>(k);
    const Index size = d.size(), columns = checked_product(d.shape(1), pieces);
    for (Index i = 0; i < size; ++i) {
      if (place[i] < 0 || place[i] >= pieces) {
        throw std::invalid_argument("piece[" + std::to_string(i / d.shape(1)) + ", " + std::to_string(i % d.shape(1)) +
                                    "] = " + std::to_string(place[i]) + " is not in 0.." + std::to_string(pieces - 1));
      }
    }
    py::array dx = output<T>(out, "out", {d.shape(0), columns});
    check_no_overlap(dx, "out", d, "dy");
    check_no_overlap(dx, "out", k, "piece");
    const T* from = data<T>(d);
    T* to = mutable_data<T>(dx);
    const Released released;
    parallel_for(size, alignment, elementwise_cost * static_cast<double>(dx.size()), [&](Range share) {
      kernels<T>().maxout.spread(from + share.begin, place + share.begin, share.size(), pieces,
                                 to + share.begin * pieces);
    });
    return dx;
  });
}

}  // namespace

void add_layers(py::module_& module) {
  py::module_ m = module.attr("kernels");
  const py::object none = py::none();
  m.def("dropout_forward", &dropout_forward, py::arg("x"), py::arg("rate"), py::arg("seed"), py::arg("stream"),
        py::arg("out") = none);
  m.def("dropout_backward", &dropout_backward, py::arg("dy"), py::arg("mask"), py::arg("out") = none);
  m.def("gaussian_noise", &gaussian_noise, py::arg("x"), py::arg("stddev"), py::arg("seed"), py::arg("stream"),
        py::arg("out") = none);
  m.def("prelu_forward", &prelu_forward, py::arg("x"), py::arg("alpha"), py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("prelu_backward", &prelu_backward, py::arg("dy"), py::arg("x"), py::arg("alpha"),
        py::arg("channels_last") = false, py::arg("out") = none);
  m.def("maxout_forward", &maxout_forward, py::arg("x"), py::arg("pieces"), py::arg("out") = none);
  m.def("maxout_backward", &maxout_backward, py::arg("dy"), py::arg("piece"), py::arg("pieces"), py::arg("out") = none);
}

}  // namespace fastopt::bindings
