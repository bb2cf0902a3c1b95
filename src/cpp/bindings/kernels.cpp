// Products, functions, losses, metrics, sums and random numbers on NumPy arrays.
#include <pybind11/stl.h>

#include <map>
#include <optional>

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/hyper.h"
#include "bindings/module.h"
#include "kernels/elementwise/args.h"
#include "kernels/product/args.h"
#include "kernels/reduce/args.h"
#include "ops/activation.h"
#include "ops/loss.h"
#include "ops/metric.h"
#include "ops/panels.h"
#include "runtime/cpu.h"
#include "runtime/random.h"
#include "runtime/scratch.h"
#include "runtime/team.h"

namespace fastopt::bindings {

namespace {

// c = a b with each thread computing some rows; b [depth, columns] or, transposed, [columns, depth].
template <class T>
void multiply(Product<T> product, const T* b, Index b_stride, bool b_transposed) {
  // Kept from call to call: the first touch of fresh memory costs up to a tenth of a product.
  thread_local Buffer<T> memory;
  const Index size = b_transposed ? packed_size<T>(product.depth, product.columns) : 0;
  if (memory.size() < size) {
    memory = Buffer<T>(size);
  }
  T* const packed = memory.data();
  product.b = b_transposed ? packed_panels<T>(packed, product.depth, product.columns)
                           : Panels<T>{b, b_stride, kernels<T>().product.panel_width, false};
  const double cost = (reading_cost + 2 * static_cast<double>(product.columns)) * static_cast<double>(product.rows) *
                      static_cast<double>(product.depth);
  run_team(threads_for(cost, product.rows), false, [&](const Team& team) {
    if (b_transposed) {
      pack_share(team, b, b_stride, true, product.depth, product.columns, packed);
      team.barrier();
    }
    const Range rows = team.split(product.rows);
    Product<T> mine = product;
    mine.rows = rows.size();
    if (mine.a_transposed) {
      mine.a.data += rows.begin;
    } else {
      mine.a = mine.a.from(rows.begin);
    }
    mine.c = mine.c.from(rows.begin);
    if (mine.y.data) {
      mine.y = mine.y.from(rows.begin);
    }
    mine.scratch = scratch();
    kernels<T>().product.multiply(mine);
  });
}

py::array dense_forward(const py::object& x, const py::object& kernel, const py::object& bias,
                        const std::string& activation, const py::object& out) {
  const int f = find_activation(activation);
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const py::array w = checked<T>(kernel, "kernel", {a.shape(1), -1});
    const Index rows = a.shape(0), inputs = a.shape(1), outputs = w.shape(1);
    const std::optional<py::array> b =
        bias.is_none() ? std::nullopt : std::optional(checked<T>(bias, "bias", {outputs}));
    py::array y = output<T>(out, "out", {rows, outputs});
    check_no_overlap(y, "out", a, "x");
    check_no_overlap(y, "out", w, "kernel");
    if (b) {
      check_no_overlap(y, "out", *b, "bias");
    }
    const Rows<T> c{mutable_data<T>(y), outputs};
    const Product<T> product{.rows = rows,
                             .columns = outputs,
                             .depth = inputs,
                             .a = {data<T>(a), inputs},
                             .b = {},
                             .c = c,
                             .bias = b ? data<T>(*b) : nullptr,
                             .activate = fused_activate<T>(f)};
    const Released released;
    multiply<T>(product, data<T>(w), outputs, false);
    if (!activation_kernel(f).elementwise) {
      activation_kernel<T>(f).activate({c.data, c.stride}, c, rows, outputs);
    }
    return y;
  });
}

py::array dense_backward_input(const py::object& dy, const py::object& kernel, const py::object& y,
                               const std::string& activation, const py::object& out) {
  const int f = find_activation(activation);
  if (!activation_kernel(f).elementwise) {
    throw std::invalid_argument(activation + " is not elementwise; use activation_backward('" + activation + "', ...)");
  }
  if (activation_kernel(f).from_input) {
    throw std::invalid_argument(activation +
                                " is differentiated from its input, not its output; use activation_backward");
  }
  if (f != linear && y.is_none()) {
    throw std::invalid_argument("activation '" + activation + "' needs y, the activated values that fed the layer");
  }
  return by_dtype(dy, "dy", [&]<class T>(T) {
    const py::array a = checked<T>(dy, "dy", {-1, -1});
    const py::array w = checked<T>(kernel, "kernel", {-1, a.shape(1)});
    const Index rows = a.shape(0), outputs = a.shape(1), inputs = w.shape(0);
    const std::optional<py::array> values =
        f == linear ? std::nullopt : std::optional(checked<T>(y, "y", {rows, inputs}));
    py::array dx = output<T>(out, "out", {rows, inputs});
    check_no_overlap(dx, "out", a, "dy");
    check_no_overlap(dx, "out", w, "kernel");
    if (values) {
      check_no_overlap(dx, "out", *values, "y");
    }
    const Product<T> product{.rows = rows,
                             .columns = inputs,
                             .depth = outputs,
                             .a = {data<T>(a), outputs},
                             .b = {},
                             .c = {mutable_data<T>(dx), inputs},
                             .differentiate = fused_differentiate<T>(f),
                             .y = values ? Rows<const T>{data<T>(*values), inputs} : Rows<const T>{}};
    const Released released;
    multiply<T>(product, data<T>(w), outputs, true);
    return dx;
  });
}

py::array dense_backward_kernel(const py::object& x, const py::object& dy, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const py::array b = checked<T>(dy, "dy", {a.shape(0), -1});
    const Index depth = a.shape(0), inputs = a.shape(1), outputs = b.shape(1);
    py::array dw = output<T>(out, "out", {inputs, outputs});
    check_no_overlap(dw, "out", a, "x");
    check_no_overlap(dw, "out", b, "dy");
    const Product<T> product{.rows = inputs,
                             .columns = outputs,
                             .depth = depth,
                             .a = {data<T>(a), inputs},
                             .a_transposed = true,
                             .b = {},
                             .c = {mutable_data<T>(dw), outputs}};
    const Released released;
    multiply<T>(product, data<T>(b), outputs, false);
    return dw;
  });
}

py::array column_sum(const py::object& x, const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array a = checked<T>(x, "x", {-1, -1});
    const Index rows = a.shape(0), columns = a.shape(1);
    py::array sum = output<T>(out, "out", {columns});
    check_no_overlap(sum, "out", a, "x");
    const Rows<const T> from{data<T>(a), columns};
    T* to = mutable_data<T>(sum);
    const Released released;
    parallel_for(columns, alignment, reading_cost * static_cast<double>(rows * columns),
                 [&](Range share) { kernels<T>().reduce.column_sum(from, rows, share, to); });
    return sum;
  });
}

// Rows and columns of an array for a function that is elementwise, or works on rows.
std::pair<Index, Index> rows_and_columns(const py::array& array, bool by_rows) {
  if (!by_rows) {
    return {1, array.size()};
  }
  if (array.ndim() != 2) {
    throw std::invalid_argument("softmax works on the rows of a 2-D array, got shape " + shape_text(shape_of(array)));
  }
  return {array.shape(0), array.shape(1)};
}

// Splits the rows, or the elements of the only row.
template <class F>
void for_shares(bool by_rows, Index rows, Index columns, F&& work) {
  const double cost = elementwise_cost * static_cast<double>(rows) * static_cast<double>(columns);
  if (by_rows) {
    parallel_for(rows, 1, cost, [&](Range share) { work(share.begin, share.size(), Index{0}, columns); });
  } else {
    parallel_for(columns, alignment, cost, [&](Range share) { work(Index{0}, rows, share.begin, share.size()); });
  }
}

py::array activation_forward(const std::string& name, const py::object& x, const py::object& out) {
  const int f = find_activation(name);
  const bool by_rows = !activation_kernel(f).elementwise;
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array z = checked<T>(x, "x");
    const auto [rows, columns] = rows_and_columns(z, by_rows);
    py::array y = output<T>(out, "out", shape_of(z));
    check_no_overlap(y, "out", z, "x", true);
    const T* from = data<T>(z);
    T* to = mutable_data<T>(y);
    const Index stride = columns;
    const Released released;
    const auto work = [&](Index row, Index count, Index column, Index width) {
      const Index place = row * stride + column;
      activation_kernel<T>(f).activate({from + place, stride}, {to + place, stride}, count, width);
    };
    for_shares(by_rows, rows, stride, work);
    return y;
  });
}

py::array activation_backward(const std::string& name, const py::object& at, const py::object& dy,
                              const py::object& out) {
  const int f = find_activation(name);
  const char* const name_at = activation_kernel(f).from_input ? "x" : "y";
  const bool by_rows = !activation_kernel(f).elementwise;
  return by_dtype(at, name_at, [&]<class T>(T) {
    const py::array value = checked<T>(at, name_at);
    const py::array gradient = checked<T>(dy, "dy", shape_of(value));
    const auto [rows, columns] = rows_and_columns(value, by_rows);
    py::array dz = output<T>(out, "out", shape_of(value));
    check_no_overlap(dz, "out", value, name_at);
    check_no_overlap(dz, "out", gradient, "dy", true);
    const T *values = data<T>(value), *from = data<T>(gradient);
    T* to = mutable_data<T>(dz);
    const Index stride = columns;
    const Released released;
    const auto work = [&](Index row, Index count, Index column, Index width) {
      const Index place = row * stride + column;
      activation_kernel<T>(f).differentiate({values + place, stride}, {from + place, stride}, {to + place, stride},
                                            count, width);
    };
    for_shares(by_rows, rows, stride, work);
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
    parallel_for(size, alignment, 2 * elementwise_cost * static_cast<double>(size),
                 [&](Range share) { pick(kernels<T>())(from + share.begin, to + share.begin, share.size()); });
    return y;
  });
}

py::tuple loss(const std::string& name, const py::object& prediction, const py::object& target,
               const py::object& weight, double scale, const py::object& out,
               const std::map<std::string, double>& given_hyper) {
  const int which = find_loss(name);
  const LossHyper hyper = loss_hyper(which, given_hyper);
  return by_dtype(prediction, "prediction", [&]<class T>(T) -> py::tuple {
    const py::array p = checked<T>(prediction, "prediction", {-1, -1});
    const Index rows = p.shape(0), columns = p.shape(1);
    const py::array t = checked_target<T>(target, "target", loss_kernel(which).labels, rows, columns);
    const std::optional<py::array> w =
        weight.is_none() ? std::nullopt : std::optional(checked<T>(weight, "weight", {rows}));
    py::array gradient = output<T>(out, "out", {rows, columns});
    check_no_overlap(gradient, "out", p, "prediction");
    check_no_overlap(gradient, "out", t, "target");
    if (w) {
      check_no_overlap(gradient, "out", *w, "weight");
    }
    py::array_t<T> row_loss(rows);
    Loss<T> all{.rows = rows,
                .columns = columns,
                .prediction = {data<T>(p), columns},
                .target = targets<T>(t, loss_kernel(which).labels),
                .weight = w ? data<T>(*w) : nullptr,
                .hyper = hyper,
                .scale = static_cast<T>(scale),
                .gradient = {mutable_data<T>(gradient), columns},
                .loss = row_loss.mutable_data()};
    {
      const Released released;
      parallel_for(rows, alignment, 2 * elementwise_cost * static_cast<double>(rows * columns), [&](Range share) {
        Loss<T> mine = all;
        mine.rows = share.size();
        mine.prediction = mine.prediction.from(share.begin);
        mine.gradient = mine.gradient.from(share.begin);
        mine.target = mine.target.from(share.begin, columns);
        mine.weight = mine.weight ? mine.weight + share.begin : nullptr;
        mine.loss += share.begin;
        loss_kernel<T>(which).rows(mine);
      });
    }
    return py::make_tuple(row_loss, gradient);
  });
}

py::array metric(const std::string& name, const py::object& prediction, const py::object& target) {
  const MetricChoice choice = find_metric(name);
  return by_dtype(prediction, "prediction", [&]<class T>(T) -> py::array {
    const py::array p = checked<T>(prediction, "prediction", {-1, -1});
    const Index rows = p.shape(0), columns = p.shape(1);
    const py::array t = checked_target<T>(target, "target", metric_kernel(choice.metric).labels, rows, columns);
    py::array_t<T> value(rows);
    const Metric<T> all{.rows = rows,
                        .columns = columns,
                        .prediction = {data<T>(p), columns},
                        .target = targets<T>(t, metric_kernel(choice.metric).labels),
                        .k = choice.k,
                        .value = value.mutable_data()};
    {
      const Released released;
      parallel_for(rows, alignment, elementwise_cost * static_cast<double>(rows * columns), [&](Range share) {
        Metric<T> mine = all;
        mine.rows = share.size();
        mine.prediction = mine.prediction.from(share.begin);
        mine.target = mine.target.from(share.begin, columns);
        mine.value += share.begin;
        metric_kernel<T>(choice.metric).rows(mine);
      });
    }
    return value;
  });
}

// Sums of fixed chunks, added in order: the same for any number of threads.
template <class T>
double chunked(const T* x, Index size, double (*reduce)(const T*, Index)) {
  constexpr Index chunk = 1 << 14;
  const Index chunks = (size + chunk - 1) / chunk;
  std::vector<double> parts(static_cast<std::size_t>(chunks));
  parallel_for(chunks, 1, reading_cost * static_cast<double>(size), [&](Range share) {
    for (Index c = share.begin; c < share.end; ++c) {
      parts[static_cast<std::size_t>(c)] = reduce(x + c * chunk, std::min(chunk, size - c * chunk));
    }
  });
  return kernels<double>().reduce.sum(parts.data(), chunks);
}

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

Index checked_count(Index count) {
  if (count < 0) {
    throw std::invalid_argument("count must not be negative, got " + std::to_string(count));
  }
  return count;
}

template <class Result, class F>
py::array drawn(Index count, F&& draw) {
  py::array_t<Result> out(checked_count(count));
  Result* to = out.mutable_data();
  const Released released;
  draw(to);
  return out;
}

template <class F32, class F64>
py::array drawn_real(const std::string& dtype, Index count, F32&& f32, F64&& f64) {
  if (dtype == "float32") {
    return drawn<float>(count, f32);
  }
  if (dtype == "float64") {
    return drawn<double>(count, f64);
  }
  throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

// Which activations need their argument for the gradient.
py::dict all_activations() {
  py::dict all;
  for (const auto& activation : activations()) {
    all[py::str(std::string(activation.name))] = activation.from_input;
  }
  return all;
}

}  // namespace

void add_kernels(py::module_& module) {
  py::module_ m = module.def_submodule("kernels");
  const py::object none = py::none();
  m.def("dense_forward", &dense_forward, py::arg("x"), py::arg("kernel"), py::arg("bias") = none,
        py::arg("activation") = "linear", py::arg("out") = none);
  m.def("dense_backward_input", &dense_backward_input, py::arg("dy"), py::arg("kernel"), py::arg("y") = none,
        py::arg("activation") = "linear", py::arg("out") = none);
  m.def("dense_backward_kernel", &dense_backward_kernel, py::arg("x"), py::arg("dy"), py::arg("out") = none);
  m.def("column_sum", &column_sum, py::arg("x"), py::arg("out") = none);
  m.def("activations", &all_activations);
  m.def("activation_forward", &activation_forward, py::arg("name"), py::arg("x"), py::arg("out") = none);
  m.def("activation_backward", &activation_backward, py::arg("name"), py::arg("at"), py::arg("dy"),
        py::arg("out") = none);
  m.def(
      "exp",
      [](const py::object& x, const py::object& out) {
        return elementwise(x, out, [](const auto& k) { return k.elementwise.exp; });
      },
      py::arg("x"), py::arg("out") = none);
  m.def(
      "log",
      [](const py::object& x, const py::object& out) {
        return elementwise(x, out, [](const auto& k) { return k.elementwise.log; });
      },
      py::arg("x"), py::arg("out") = none);
  m.def("loss", &loss, py::arg("name"), py::arg("prediction"), py::arg("target"), py::arg("weight") = none,
        py::arg("scale") = 1.0, py::arg("out") = none, py::arg("hyper") = std::map<std::string, double>());
  m.def("metric", &metric, py::arg("name"), py::arg("prediction"), py::arg("target"));
  m.def(
      "sum",
      [](const py::object& x) {
        return reduction(
            x, []<class T>(const T* from, Index size) { return chunked(from, size, kernels<T>().reduce.sum); });
      },
      py::arg("x"));
  m.def(
      "norm",
      [](const py::object& x) {
        return reduction(x, []<class T>(const T* from, Index size) {
          return std::sqrt(chunked(from, size, kernels<T>().reduce.sum_of_squares));
        });
      },
      py::arg("x"));
  m.def(
      "first_nonfinite",
      [](const py::object& x) {
        return reduction(
            x, []<class T>(const T* from, Index size) { return kernels<T>().reduce.first_nonfinite(from, size); });
      },
      py::arg("x"));
  m.def(
      "philox",
      [](std::uint64_t seed, std::uint64_t stream, Index count) {
        return drawn<std::uint32_t>(count, [&](std::uint32_t* to) { random_words(seed, stream, count, to); });
      },
      py::arg("seed"), py::arg("stream"), py::arg("count"));
  m.def(
      "uniform",
      [](std::uint64_t seed, std::uint64_t stream, Index count, const std::string& dtype) {
        const auto draw = [&](auto* to) { random_uniform(seed, stream, count, to); };
        return drawn_real(dtype, count, draw, draw);
      },
      py::arg("seed"), py::arg("stream"), py::arg("count"), py::arg("dtype") = "float32");
  m.def(
      "normal",
      [](std::uint64_t seed, std::uint64_t stream, Index count, const std::string& dtype) {
        const auto draw = [&](auto* to) { random_normal(seed, stream, count, to); };
        return drawn_real(dtype, count, draw, draw);
      },
      py::arg("seed"), py::arg("stream"), py::arg("count"), py::arg("dtype") = "float32");
  m.def(
      "permutation",
      [](std::uint64_t seed, std::uint64_t stream, Index count) {
        return drawn<Index>(count, [&](Index* to) { random_permutation(seed, stream, count, to); });
      },
      py::arg("seed"), py::arg("stream"), py::arg("count"));
}

}  // namespace fastopt::bindings
