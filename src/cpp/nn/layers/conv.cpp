#include "nn/layers/conv.h"

#include <algorithm>
#include <span>

#include "kernels/reduce/args.h"
#include "kernels/update/args.h"
#include "nn/layers/dense.h"

namespace fastopt {

namespace {

// The workspace: the panels of the weights; the sums of the chunks but for the first, which is made in the place of the
// gradient; and of each output the sum over the samples.
template <class T>
struct Workspace {
  static constexpr Index most_sums = 16, most_elements = Index{1} << 22;

  T *panels, *chunks, *sums;

  Workspace(const ops::Convolution& c, T* memory) : panels(memory) {
    chunks = panels + round_up(ops::InputGradient<T>::packed(c), alignment);
    sums = chunks + (count(c) - 1) * weights(c);
  }
  static Index weights(const ops::Convolution& c) { return round_up(c.rows() * c.filters, alignment); }
  static Index size(const ops::Convolution& c) {
    return round_up(ops::InputGradient<T>::packed(c), alignment) + (count(c) - 1) * weights(c) +
           round_up(c.outputs(), alignment);
  }
  // The gradient of the weights is computed in sums over so many chunks of the samples, so that threads share even few
  // weights. The bits depend on it, and it on the sizes alone.
  static Index count(const ops::Convolution& c) {
    const Index units = c.units();
    return std::clamp<Index>(most_elements / weights(c), 1, (most_sums + units - 1) / units);
  }
  static Index count(const ops::Convolution& c, Index rows) { return std::min(rows, count(c)); }
};

template <class T>
void forward(const View<T>& v, const ops::Convolution& c) {
  ops::Convolver<T> convolver(c);
  const T *const w = v.tensors.parameter(0), *const b = v.tensors.parameter(v.tensors.specs->size() > 1 ? 1 : -1);
  for (Index i = 0; i < v.rows; ++i) {
    convolver.forward(v.in[0].x.row(i), w, b, fused_activate<T>(v.out.activation), false, v.out.y.row(i));
  }
  if (!is_fused(v.out.activation)) {
    activate(v);
  }
}

template <class T>
void backward(const View<T>& v, const ops::Convolution& c) {
  ops::InputGradient<T> gradient(c);
  const In<T>& in = v.in[0];
  for (Index i = 0; i < v.rows; ++i) {
    T* const dx = in.dx.row(i);
    gradient.run(v.out.dy.row(i), v.workspace, false, dx);
    if (in.activation != linear) {
      activation_kernel<T>(in.activation).differentiate({in.x.row(i), 0}, {dx, 0}, {dx, 0}, 1, in.columns);
    }
  }
}

// f(chunk, its samples, units of its sum) for this rank's share of the sums.
template <class T, class F>
void for_each_sum(const View<T>& v, const Team& team, const ops::Convolution& c, F&& f) {
  const Index chunks = Workspace<T>::count(c, v.rows), units = c.units();
  const Range mine = team.split(chunks * units);
  for (Index chunk = mine.begin / units; chunk * units < mine.end; ++chunk) {
    f(chunk, Range{v.rows * chunk / chunks, v.rows * (chunk + 1) / chunks},
      Range{std::max(mine.begin - chunk * units, Index{0}), std::min(mine.end - chunk * units, units)});
  }
}

// Samples and the gradients of their outputs, whose products are summed.
template <class T>
struct Factors {
  Rows<const T> x, dy;
};

template <class T>
void sum_chunks(const View<T>& v, const Team& team, const ops::Convolution& c, std::span<const Factors<T>> factors) {
  ops::Convolver<T> convolver(c);
  const Workspace<T> work(c, v.workspace);
  for_each_sum(v, team, c, [&](Index chunk, Range samples, Range units) {
    T* const to =
        chunk == 0 ? v.sink->gradients() + v.tensors.offset(0) : work.chunks + (chunk - 1) * Workspace<T>::weights(c);
    bool accumulate = false;
    for (Index i = samples.begin; i < samples.end; ++i) {
      for (const Factors<T>& f : factors) {
        convolver.gradient(f.x.row(i), f.dy.row(i), units, accumulate, to);
        accumulate = true;
      }
    }
  });
  const Range outputs = team.split(v.out.columns, alignment / Index{sizeof(T)});
  if (v.tensors.specs->size() > 1 && outputs.size() > 0) {
    kernels<T>().reduce.column_sum(factors.back().dy, v.rows, outputs, work.sums);
  }
}

template <class T>
void add_chunks(const View<T>& v, const Team& team, const ops::Convolution& c) {
  const Workspace<T> work(c, v.workspace);
  T* const dw = v.sink->gradients() + v.tensors.offset(0);
  const Index chunks = Workspace<T>::count(c, v.rows);
  for_each_part(
      v, team, 0, c.rows(), c.filters,
      [&](Range rows) {
        for (Index chunk = 1; chunk < chunks; ++chunk) {
          kernels<T>().update.add(work.chunks + (chunk - 1) * Workspace<T>::weights(c) + rows.begin * c.filters,
                                  dw + rows.begin * c.filters, rows.size() * c.filters);
        }
      },
      whole_lines<T>(c.filters));
}

template <class T>
void bias_gradient(const View<T>& v, const Team& team, const ops::Convolution& c) {
  const T* const sums = Workspace<T>(c, v.workspace).sums;
  const Range mine = Team::share(c.filters, alignment / Index{sizeof(T)}, team.size() - 1 - team.rank(), team.size());
  if (mine.size() == 0) {
    return;
  }
  const Index offset = v.tensors.offset(1), places = c.window.places();
  T* const db = v.sink->gradients() + offset;
  if (c.window.channels_last) {
    kernels<T>().reduce.column_sum({sums, c.filters}, places, mine, db);
  } else {
    for (Index j = mine.begin; j < mine.end; ++j) {
      db[j] = static_cast<T>(kernels<T>().reduce.sum(sums + j * places, places));
    }
  }
  v.sink->take(team, {offset + mine.begin, offset + mine.end});
}

// Of the derivatives: of the values, s = conv(s, W) + conv(x, V) + c with the directions V and c of W and b; of the
// gradients, dx = conv'(dy, W) with ds = conv'(ds, W) + conv'(dy, V); and of dW, the sum of the products of s and dy
// and of x and ds.
template <class T>
void forward_along(const View<T>& v, const ops::Convolution& c) {
  ops::Convolver<T> convolver(c);
  const View<T>& along = *v.along;
  const T* const w = along.tensors.parameter(0);
  const T* const b = v.tensors.specs->size() > 1 ? along.tensors.parameter(1) : nullptr;
  for (Index i = 0; i < v.rows; ++i) {
    T* const s = along.out.y.row(i);
    if (w) {
      convolver.forward(v.in[0].x.row(i), w, b, nullptr, false, s);
    }
    if (v.in[0].dx.data) {
      convolver.forward(along.in[0].x.row(i), v.tensors.parameter(0), nullptr, nullptr, w, s);
    }
  }
}

template <class T>
void backward_along(const View<T>& v, const ops::Convolution& c) {
  ops::InputGradient<T> gradient(c);
  const View<T>& along = *v.along;
  const bool turns = !v.out.linearized && along.tensors.parameter(0);
  for (Index i = 0; i < v.rows; ++i) {
    T *const dx = v.in[0].dx.row(i), *const ds = along.in[0].dx.row(i);
    const T* const dy = v.out.dy.row(i);
    if (v.out.linearized) {
      std::fill_n(dx, v.in[0].columns, T(0));
    } else {
      gradient.run(dy, v.workspace, false, dx);
    }
    if (turns) {
      gradient.run(dy, v.workspace + Workspace<T>::size(c), false, ds);
    }
    gradient.run(along.out.dy.row(i), v.workspace, turns, ds);
  }
}

template <class T>
Phases<T> curvature(const ops::Convolution& c, const Phases<T>& training) {
  Phase<T> values = training.forward.front();
  values.values = true;
  const auto pack = [=](const View<T>& v, const Team& team) {
    ops::InputGradient<T>(c).pack(team, v.tensors.parameter(0), v.workspace);
    if (const T* const direction = v.along->tensors.parameter(0)) {
      ops::InputGradient<T>(c).pack(team, direction, v.workspace + Workspace<T>::size(c));
    }
  };
  const auto sum = [=](const View<T>& v, const Team& team) {
    const Factors<T> both[] = {{v.along->in[0].x, v.out.dy}, {v.in[0].x, v.along->out.dy}};
    const bool varies = v.in[0].dx.data && !v.out.linearized;
    sum_chunks<T>(v, team, c, std::span(both).subspan(varies ? 0 : 1));
  };
  Phases<T> phases{{values, over_rows<T>([=](const View<T>& v) { forward_along(v, c); })},
                   {over_parameters<T>(pack), over_rows<T>([=](const View<T>& v) { backward_along(v, c); })},
                   training.gradient};
  phases.gradient.front() = over_columns<T>(sum);
  return phases;
}

}  // namespace

template <class T>
Layer<T> convolution(const ops::Convolution& c, const std::vector<Index>& kernel, bool bias) {
  if (c.is_dense()) {
    Layer<T> layer = dense<T>(c.window.size(), c.filters, bias);
    layer.tensors.front().shape = kernel;
    return layer;
  }
  Layer<T> layer{.outputs = checked_product(checked_product(c.window.out_height, c.window.out_width), c.filters)};
  const Index weights = checked_product(checked_product(c.window.taps(), c.channels()), c.filters);
  layer.cost = 2.0 * static_cast<double>(weights) * static_cast<double>(c.window.places());
  layer.workspace = [=] { return Workspace<T>::size(c); };
  add_tensor(layer, "kernel", kernel);
  if (bias) {
    add_tensor(layer, "bias", {c.filters});
  }
  layer.training = {{over_rows<T>([=](const View<T>& v) { forward(v, c); })},
                    {over_parameters<T>([=](const View<T>& v, const Team& team) {
                       ops::InputGradient<T>(c).pack(team, v.tensors.parameter(0), Workspace<T>(c, v.workspace).panels);
                     }),
                     over_rows<T>([=](const View<T>& v) { backward(v, c); })},
                    {over_columns<T>([=](const View<T>& v, const Team& team) {
                       const Factors<T> factors{v.in[0].x, v.out.dy};
                       sum_chunks<T>(v, team, c, {&factors, 1});
                     }),
                     over_parameters<T>([=](const View<T>& v, const Team& team) { add_chunks(v, team, c); })}};
  if (bias) {
    layer.training.gradient.push_back(
        over_parameters<T>([=](const View<T>& v, const Team& team) { bias_gradient(v, team, c); }));
  }
  layer.inference = layer.training;
  layer.curvature = curvature<T>(c, layer.training);
  return layer;
}

template Layer<float> convolution(const ops::Convolution&, const std::vector<Index>&, bool);
template Layer<double> convolution(const ops::Convolution&, const std::vector<Index>&, bool);

}  // namespace fastopt
