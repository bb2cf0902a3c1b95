// The normalisations on NumPy arrays [n, channels, ...] or, channels last, [n, ..., channels].
#include <algorithm>
#include <optional>

#include "bindings/channels.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "core/buffer.h"
#include "kernels/norm/args.h"
#include "kernels/reduce/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::bindings {

namespace {

constexpr Index cached_bytes = 1 << 15;  // of rows that are read twice

template <class T>
std::optional<py::array> optional(const py::object& object, const std::string& name, const std::vector<Index>& shape) {
  return object.is_none() ? std::nullopt : std::optional(checked<T>(object, name, shape));
}

template <class T>
const T* data_or_null(const std::optional<py::array>& array) {
  return array ? data<T>(*array) : nullptr;
}

void check_epsilon(double epsilon) {
  if (!(epsilon >= 0)) {
    throw std::invalid_argument("epsilon must not be negative, got " + std::to_string(epsilon));
  }
}

template <class T>
py::array new_array(const std::vector<Index>& shape) {
  return output<T>(py::none(), "", shape);
}

// The array that is written shares no memory with those that are read, but may be `same` itself.
void check_apart(const py::array& out, const py::array& same, const std::string& same_name,
                 std::initializer_list<std::pair<const std::optional<py::array>*, const char*>> others) {
  check_no_overlap(out, "out", same, same_name, true);
  for (const auto& [array, name] : others) {
    if (*array) {
      check_no_overlap(out, "out", **array, name);
    }
  }
}

// --- By row ----------------------------------------------------------------------------------------------------------

// Parameters of each element of a row, if that is the shape of gamma or beta: then each is a channel, of one group.
template <class T>
std::vector<Index> parameter_shape(Input<T>& x, Index groups, const py::object& gamma, const py::object& beta) {
  if (groups == 1) {
    const std::vector<Index> shape = shape_of(x.array);
    const std::vector<Index> elements(shape.begin() + 1, shape.end());
    for (const py::object& parameter : {gamma, beta}) {
      if (py::isinstance<py::array>(parameter) && shape_of(py::reinterpret_borrow<py::array>(parameter)) == elements) {
        x.features = {x.features.size()};
        return elements;
      }
    }
  } else if (groups < 1 || x.features.channels % groups != 0) {
    throw std::invalid_argument("groups must divide the " + std::to_string(x.features.channels) + " channels, got " +
                                std::to_string(groups));
  }
  return x.channel_shape();
}

py::tuple group_norm_forward(const py::object& x, const py::object& gamma, const py::object& beta, Index groups,
                             double epsilon, bool centred, bool channels_last, const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    Input<T> in = input<T>(x, "x", channels_last);
    const std::vector<Index> shape = parameter_shape(in, groups, gamma, beta);
    const auto g = optional<T>(gamma, "gamma", shape), b = optional<T>(beta, "beta", shape);
    py::array y = output<T>(out, "out", shape_of(in.array));
    check_apart(y, in.array, "x", {{&g, "gamma"}, {&b, "beta"}});
    py::array moments = new_array<T>({in.rows, 2, groups});
    const GroupNorm<T> all{.rows = in.rows,
                           .groups = groups,
                           .features = in.features,
                           .centred = centred,
                           .epsilon = static_cast<T>(epsilon),
                           .gamma = data_or_null<T>(g),
                           .beta = data_or_null<T>(b),
                           .x = {data<T>(in.array), in.stride()},
                           .y = {mutable_data<T>(y), in.stride()},
                           .moments = {mutable_data<T>(moments), 2 * groups}};
    {
      const Released released;
      parallel_for(in.rows, 1, in.cost(), [&](Range share) {
        GroupNorm<T> mine = all;
        mine.rows = share.size();
        mine.x = all.x.from(share.begin);
        mine.y = all.y.from(share.begin);
        mine.moments = all.moments.from(share.begin);
        kernels<T>().group_norm.forward(mine);
      });
    }
    return py::make_tuple(y, moments);
  });
}

// Chunks of rows that depend on the batch alone have sums of their own, so that the result does not depend on the
// threads; a chunk is worked on in parts that stay in cache.
template <class T>
void backward_in_chunks(const GroupNormBackward<T>& all, double cost) {
  const Index rows = std::clamp<Index>(all.rows / 64, 32, 512);
  const Index chunks = (all.rows + rows - 1) / rows, channels = all.features.channels;
  const Index row_bytes = 2 * all.features.size() * static_cast<Index>(sizeof(T));
  const Index part = std::max<Index>(4, cached_bytes / std::max<Index>(1, row_bytes));
  Buffer<T> sums(checked_product(2 * chunks, channels));
  T *const dgammas = sums.data(), *const dbetas = dgammas + chunks * channels;
  run_team(threads_for(cost), false, [&](const Team& team) {
    const Range mine = team.split(chunks);
    for (Index chunk = mine.begin; chunk < mine.end; ++chunk) {
      const Index end = std::min((chunk + 1) * rows, all.rows);
      for (Index row = chunk * rows; row < end; row += part) {
        GroupNormBackward<T> some = all;
        some.rows = std::min(part, end - row);
        some.x = all.x.from(row);
        some.dy = all.dy.from(row);
        some.moments = all.moments.from(row);
        some.dx = all.dx.from(row);
        some.dgamma = dgammas + chunk * channels;
        some.dbeta = dbetas + chunk * channels;
        some.add = true;  // the sums are zero at first
        kernels<T>().group_norm.backward(some);
      }
    }
    team.barrier();
    const Range share = team.split(channels, channel_grain);
    kernels<T>().reduce.column_sum({dgammas, channels}, chunks, share, all.dgamma);
    kernels<T>().reduce.column_sum({dbetas, channels}, chunks, share, all.dbeta);
  });
}

py::tuple group_norm_backward(const py::object& dy, const py::object& x, const py::object& moments,
                              const py::object& gamma, Index groups, bool centred, bool channels_last,
                              const py::object& out) {
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    Input<T> in = input<T>(x, "x", channels_last);
    const std::vector<Index> shape = parameter_shape(in, groups, gamma, py::none());
    const py::array d = checked<T>(dy, "dy", shape_of(in.array));
    const std::optional<py::array> m = checked<T>(moments, "moments", {in.rows, 2, groups}), a = in.array;
    const auto g = optional<T>(gamma, "gamma", shape);
    py::array dx = output<T>(out, "out", shape_of(in.array));
    check_apart(dx, d, "dy", {{&a, "x"}, {&m, "moments"}, {&g, "gamma"}});
    py::array dgamma = new_array<T>(shape), dbeta = new_array<T>(shape);
    const GroupNormBackward<T> all{.rows = in.rows,
                                   .groups = groups,
                                   .features = in.features,
                                   .centred = centred,
                                   .gamma = data_or_null<T>(g),
                                   .x = {data<T>(in.array), in.stride()},
                                   .dy = {data<T>(d), in.stride()},
                                   .moments = {data<T>(*m), 2 * groups},
                                   .dx = {mutable_data<T>(dx), in.stride()},
                                   .dgamma = mutable_data<T>(dgamma),
                                   .dbeta = mutable_data<T>(dbeta)};
    {
      const Released released;
      backward_in_chunks(all, 2 * in.cost());
    }
    return py::make_tuple(dx, dgamma, dbeta);
  });
}

// --- By channel ------------------------------------------------------------------------------------------------------

template <class T>
void normalize(const BatchNorm<T>& all, Range share) {
  BatchNorm<T> mine = all;
  mine.rows = share.size();
  mine.x = all.x.from(share.begin);
  mine.y = all.y.from(share.begin);
  kernels<T>().batch_norm.forward(mine);
}

py::tuple batch_norm_forward(const py::object& x, const py::object& gamma, const py::object& beta, double epsilon,
                             bool channels_last, const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const Input<T> in = input<T>(x, "x", channels_last);
    const Index channels = in.features.channels;
    if (in.rows == 0) {
      throw std::invalid_argument("x must have samples to take moments of, got shape " +
                                  shape_text(shape_of(in.array)));
    }
    const auto g = optional<T>(gamma, "gamma", {channels}), b = optional<T>(beta, "beta", {channels});
    py::array y = output<T>(out, "out", shape_of(in.array));
    check_apart(y, in.array, "x", {{&g, "gamma"}, {&b, "beta"}});
    py::array mean = new_array<T>({channels}), variance = new_array<T>({channels}), rstd = new_array<T>({channels});
    const Rows<const T> from{data<T>(in.array), in.stride()};
    const BatchMoments<T> moments{.rows = in.rows,
                                  .features = in.features,
                                  .x = from,
                                  .epsilon = static_cast<T>(epsilon),
                                  .mean = mutable_data<T>(mean),
                                  .variance = mutable_data<T>(variance),
                                  .rstd = mutable_data<T>(rstd)};
    const BatchNorm<T> all{.rows = in.rows,
                           .features = in.features,
                           .gamma = data_or_null<T>(g),
                           .beta = data_or_null<T>(b),
                           .mean = moments.mean,
                           .rstd = moments.rstd,
                           .x = from,
                           .y = {mutable_data<T>(y), in.stride()}};
    {
      const Released released;
      run_team(threads_for(2 * in.cost()), false, [&](const Team& team) {
        kernels<T>().batch_norm.moments(moments, team.split(channels, channel_grain));
        team.barrier();
        normalize(all, team.split(in.rows));
      });
    }
    return py::make_tuple(y, mean, variance);
  });
}

// 1 / sqrt(variance + epsilon).
template <class T>
Buffer<T> inverse_deviation(const py::array& variance, double epsilon) {
  Buffer<T> rstd(variance.size());
  kernels<T>().batch_norm.inverse_deviation(data<T>(variance), static_cast<T>(epsilon), rstd.data(), rstd.size());
  return rstd;
}

py::array batch_norm_inference(const py::object& x, const py::object& mean, const py::object& variance,
                               const py::object& gamma, const py::object& beta, double epsilon, bool channels_last,
                               const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) {
    const Input<T> in = input<T>(x, "x", channels_last);
    const Index channels = in.features.channels;
    const std::optional<py::array> m = checked<T>(mean, "mean", {channels}),
                                   v = checked<T>(variance, "variance", {channels});
    const auto g = optional<T>(gamma, "gamma", {channels}), b = optional<T>(beta, "beta", {channels});
    py::array y = output<T>(out, "out", shape_of(in.array));
    check_apart(y, in.array, "x", {{&m, "mean"}, {&v, "variance"}, {&g, "gamma"}, {&b, "beta"}});
    const Buffer<T> rstd = inverse_deviation<T>(*v, epsilon);
    const BatchNorm<T> all{.rows = in.rows,
                           .features = in.features,
                           .gamma = data_or_null<T>(g),
                           .beta = data_or_null<T>(b),
                           .mean = data<T>(*m),
                           .rstd = rstd.data(),
                           .x = {data<T>(in.array), in.stride()},
                           .y = {mutable_data<T>(y), in.stride()}};
    const Released released;
    parallel_for(in.rows, 1, in.cost(), [&](Range share) { normalize(all, share); });
    return y;
  });
}

py::tuple batch_norm_backward(const py::object& dy, const py::object& x, const py::object& mean,
                              const py::object& variance, const py::object& gamma, double epsilon, bool fixed,
                              bool channels_last, const py::object& out) {
  check_epsilon(epsilon);
  return by_dtype(x, "x", [&]<class T>(T) -> py::tuple {
    const Input<T> in = input<T>(x, "x", channels_last);
    const Index channels = in.features.channels;
    const py::array d = checked<T>(dy, "dy", shape_of(in.array));
    const std::optional<py::array> m = checked<T>(mean, "mean", {channels}),
                                   v = checked<T>(variance, "variance", {channels}), a = in.array;
    const auto g = optional<T>(gamma, "gamma", {channels});
    py::array dx = output<T>(out, "out", shape_of(in.array));
    check_apart(dx, d, "dy", {{&a, "x"}, {&m, "mean"}, {&v, "variance"}, {&g, "gamma"}});
    py::array dgamma = new_array<T>({channels}), dbeta = new_array<T>({channels});
    const Buffer<T> rstd = inverse_deviation<T>(*v, epsilon);
    const BatchNormBackward<T> all{.rows = in.rows,
                                   .features = in.features,
                                   .gamma = data_or_null<T>(g),
                                   .mean = data<T>(*m),
                                   .rstd = rstd.data(),
                                   .x = {data<T>(in.array), in.stride()},
                                   .dy = {data<T>(d), in.stride()},
                                   .dgamma = mutable_data<T>(dgamma),
                                   .dbeta = mutable_data<T>(dbeta),
                                   .count = fixed ? 0 : in.rows * in.features.space,
                                   .dx = {mutable_data<T>(dx), in.stride()}};
    {
      const Released released;
      run_team(threads_for(2 * in.cost()), false, [&](const Team& team) {
        kernels<T>().batch_norm.sums(all, team.split(channels, channel_grain));
        team.barrier();
        const Range share = team.split(in.rows);
        BatchNormBackward<T> mine = all;
        mine.rows = share.size();
        mine.x = all.x.from(share.begin);
        mine.dy = all.dy.from(share.begin);
        mine.dx = all.dx.from(share.begin);
        kernels<T>().batch_norm.backward(mine);
      });
    }
    return py::make_tuple(dx, dgamma, dbeta);
  });
}

}  // namespace

void add_normalization(py::module_& module) {
  py::module_ m = module.attr("kernels");
  const py::object none = py::none();
  m.def("group_norm_forward", &group_norm_forward, py::arg("x"), py::arg("gamma") = none, py::arg("beta") = none,
        py::arg("groups") = 1, py::arg("epsilon") = 1e-5, py::arg("centred") = true, py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("group_norm_backward", &group_norm_backward, py::arg("dy"), py::arg("x"), py::arg("moments"),
        py::arg("gamma") = none, py::arg("groups") = 1, py::arg("centred") = true, py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("batch_norm_forward", &batch_norm_forward, py::arg("x"), py::arg("gamma") = none, py::arg("beta") = none,
        py::arg("epsilon") = 1e-5, py::arg("channels_last") = false, py::arg("out") = none);
  m.def("batch_norm_inference", &batch_norm_inference, py::arg("x"), py::arg("mean"), py::arg("variance"),
        py::arg("gamma") = none, py::arg("beta") = none, py::arg("epsilon") = 1e-5, py::arg("channels_last") = false,
        py::arg("out") = none);
  m.def("batch_norm_backward", &batch_norm_backward, py::arg("dy"), py::arg("x"), py::arg("mean"), py::arg("variance"),
        py::arg("gamma") = none, py::arg("epsilon") = 1e-5, py::arg("fixed") = false, py::arg("channels_last") = false,
        py::arg("out") = none);
}

}  // namespace fastopt::bindings
