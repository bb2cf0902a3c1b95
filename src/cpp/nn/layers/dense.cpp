#include "nn/layers/dense.h"

#include "kernels/product/args.h"
#include "kernels/reduce/args.h"
#include "kernels/sparse/args.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

namespace fastopt {

template <class T>
Index dense_panels(Index inputs, Index outputs) {
  return packed_size<T>(outputs, inputs);
}

template <class T>
Phase<T> dense_forward(Weights<T> weights, int bias, bool trained) {
  return over_rows<T>([=](const View<T>& v) {
    const int activation = v.out.activation;
    const T* const b = bias < 0 || trained ? v.tensors.parameter(bias) : v.tensors.state(bias);
    if (v.in[0].sparse.starts) {
      kernels<T>().sparse.multiply(
          {.rows = v.rows, .columns = v.out.columns, .x = v.in[0].sparse, .b = weights(v), .bias = b, .y = v.out.y});
      activate(v);
      return;
    }
    kernels<T>().product.multiply({.rows = v.rows,
                                   .columns = v.out.columns,
                                   .depth = v.in[0].columns,
                                   .a = v.in[0].x,
                                   .b = {weights(v), v.out.columns, kernels<T>().product.panel_width, true},
                                   .c = v.out.y,
                                   .bias = b,
                                   .activate = fused_activate<T>(activation),
                                   .scratch = scratch()});
    if (!is_fused(activation)) {
      activate(v);
    }
  });
}

template <class T>
Phase<T> dense_pack(Weights<T> weights) {
  return over_parameters<T>([=](const View<T>& v, const Team& team) {
    const Index inputs = v.in[0].columns, outputs = v.out.columns;
    pack_share(team, weights(v), outputs, true, outputs, inputs, v.workspace);
  });
}

template <class T>
Phase<T> dense_backward() {
  return over_rows<T>([](const View<T>& v) {
    const In<T>& in = v.in[0];
    kernels<T>().product.multiply({.rows = v.rows,
                                   .columns = in.columns,
                                   .depth = v.out.columns,
                                   .a = v.out.dy,
                                   .b = packed_panels<T>(v.workspace, v.out.columns, in.columns),
                                   .c = in.dx,
                                   .differentiate = fused_differentiate<T>(in.activation),
                                   .y = in.x,
                                   .scratch = scratch()});
    if (!is_fused(in.activation)) {
      differentiate(v);
    }
  });
}

template <class T>
Phase<T> dense_bias_gradient(int bias) {
  return over_parameters<T>([=](const View<T>& v, const Team& team) {
    // The last rank first: where there are few rows of the kernel, it is the first ranks that have them.
    constexpr Index line = alignment / Index{sizeof(T)};
    const Range columns = Team::share(v.out.columns, line, team.size() - 1 - team.rank(), team.size());
    if (columns.size() > 0) {
      const Index offset = v.tensors.offset(bias);
      kernels<T>().reduce.column_sum(v.out.dy, v.rows, columns, v.sink->gradients() + offset);
      v.sink->take(team, {offset + columns.begin, offset + columns.end});
    }
  });
}

namespace {

// That of sparse samples, most of whose rows may be 0: small parts stay in the cache, where the sink takes them.
template <class T>
void sparse_kernel_gradient(const View<T>& v, const Team& team) {
  constexpr std::size_t part_bytes = std::size_t{128} << 10;
  constexpr auto part_size = static_cast<Index>(part_bytes / sizeof(T));
  constexpr auto most_rows = static_cast<Index>((product_scratch - part_bytes) / sizeof(Index));
  constexpr Index grain = 16;  // rows that are whole vectors
  const Index outputs = v.out.columns, offset = v.tensors.offset(0), fitting = part_size / outputs;
  const Index size = std::max<Index>(1, fitting < grain ? fitting : fitting / grain * grain);
  T* const cached = fitting > 0 ? reinterpret_cast<T*>(scratch()) : nullptr;
  Index* const next = v.rows <= most_rows ? reinterpret_cast<Index*>(scratch() + part_bytes) : nullptr;
  const SparseRows<T>& x = v.in[0].sparse;
  const Range share = team.split(v.in[0].columns, alignment);
  for (Index i = 0; next && i < v.rows; ++i) {
    const Range entries = x.entries(i);
    next[i] = std::lower_bound(x.columns + entries.begin, x.columns + entries.end, share.begin) - x.columns;
  }
  for (Index first = share.begin; first < share.end && !v.sink->stopped(); first += size) {
    const Range rows{first, std::min(first + size, share.end)};
    const Range part{offset + rows.begin * outputs, offset + rows.end * outputs};
    T* const to = cached ? cached : v.sink->gradients() + part.begin;
    kernels<T>().sparse.multiply_transposed(
        {.rows = v.rows, .columns = outputs, .x = x, .dy = v.out.dy, .part = rows, .to = to, .next = next});
    if (cached) {
      v.sink->take_from(team, part, cached);
    } else {
      v.sink->take(team, part);
    }
  }
}

template <class T>
void kernel_gradient(const View<T>& v, const Team& team) {
  const Index outputs = v.out.columns;
  T* const dw = v.sink->gradients() + v.tensors.offset(0);
  if (v.in[0].sparse.starts) {
    sparse_kernel_gradient(v, team);
    return;
  }
  for_each_part(v, team, 0, v.in[0].columns, outputs, [&](Range rows) {
    Rows<const T> x = v.in[0].x;
    x.data += rows.begin;
    kernels<T>().product.multiply({.rows = rows.size(),
                                   .columns = outputs,
                                   .depth = v.rows,
                                   .a = x,
                                   .a_transposed = true,
                                   .b = {v.out.dy.data, v.out.dy.stride, kernels<T>().product.panel_width, true},
                                   .c = {dw + rows.begin * outputs, outputs},
                                   .scratch = scratch()});
  });
}

}  // namespace

template <class T>
Layer<T> dense(Index inputs, Index outputs, bool bias, bool trained) {
  Layer<T> layer{.outputs = outputs, .reads_sparse = true};
  const int kernel = add_tensor(layer, "kernel", {inputs, outputs}, trained);
  const int b = bias ? add_tensor(layer, "bias", {outputs}, trained) : -1;
  layer.cost = 2.0 * static_cast<double>(layer.tensors[static_cast<std::size_t>(kernel)].size);
  layer.workspace = [=] { return dense_panels<T>(inputs, outputs); };
  const Weights<T> weights = trained ? Weights<T>([](const View<T>& v) { return v.tensors.parameter(0); })
                                     : [](const View<T>& v) -> const T* { return v.tensors.state(0); };
  Phases<T> phases{{dense_forward<T>(weights, b, trained)}, {dense_pack<T>(weights), dense_backward<T>()}, {}};
  if (trained) {
    phases.gradient.push_back(over_parameters<T>(&kernel_gradient<T>));
    if (bias) {
      phases.gradient.push_back(dense_bias_gradient<T>(b));
    }
  }
  layer.training = layer.inference = std::move(phases);
  layer.curvature = dense_curvature<T>(weights, b, trained);
  return layer;
}

template Index dense_panels<float>(Index, Index);
template Index dense_panels<double>(Index, Index);
template Phase<float> dense_forward(Weights<float>, int, bool);
template Phase<double> dense_forward(Weights<double>, int, bool);
template Phase<float> dense_pack(Weights<float>);
template Phase<double> dense_pack(Weights<double>);
template Phase<float> dense_backward();
template Phase<double> dense_backward();
template Phase<float> dense_bias_gradient(int);
template Phase<double> dense_bias_gradient(int);
template Layer<float> dense(Index, Index, bool, bool);
template Layer<double> dense(Index, Index, bool, bool);

}  // namespace fastopt
