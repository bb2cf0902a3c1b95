// cos and sin of each feature at trained frequencies (Gorishniy, Rubachev and Babenko, On embeddings for numerical
// features in tabular deep learning, NeurIPS 2022), or cos with trained phases (Holzmüller, Grinsztajn and Steinwart,
// Better by default, NeurIPS 2024).
#pragma once

#include <algorithm>

#include "kernels/periodic/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

template <class T>
class PeriodicLayer {
 public:
  PeriodicLayer(Index features, Index frequencies, bool phases)
      : features_(features), frequencies_(frequencies), phases_(phases) {}

  void forward(const View<T>& v) const {
    values(v);
    activate(v);
  }

  void backward(const View<T>& v) const {
    PeriodicBackward<T> all = gradients(v);
    all.dx = v.in[0].dx;
    kernels<T>().periodic.backward(all);
    differentiate(v);
  }

  void gradient(const View<T>& v, const Team& team) const {
    const Range mine = share(team);
    PeriodicBackward<T> all = gradients(v);
    all.dfrequency = gradient_of(v, 0);
    all.dphase = phases_ ? gradient_of(v, 1) : nullptr;
    kernels<T>().periodic.sums(all, mine);
    take(v, team, mine);
  }

  // With derivatives: u = 2 pi (d x + c s) + e for directions d and e, y = f'(u) u, and f''(u) u = -f(u) u is kept.
  void forward_along(const View<T>& v) const {
    const View<T>& along = *v.along;
    values(v);
    const T *const d = along.tensors.parameter(0), *const e = phases_ ? along.tensors.parameter(1) : nullptr;
    for_each(v.rows, [&](Index i, Index f, Index at, Index wave) {
      const T turns =
          (d ? d[wave] * v.in[0].x.row(i)[f] : T(0)) + v.tensors.parameter(0)[wave] * along.in[0].x.row(i)[f];
      const T u = T(two_pi) * turns + (e ? e[wave] : T(0));
      along.out.y.row(i)[at] = saved(v).row(i)[at] * u;
      saved(along).row(i)[at] = -v.out.y.row(i)[at] * u;
    });
    activate(v);
  }

  void backward_along(const View<T>& v) const {
    const View<T>& along = *v.along;
    const T *const c = v.tensors.parameter(0), *const d = along.tensors.parameter(0);
    for (const Rows<T>& dx : {v.in[0].dx, along.in[0].dx}) {
      for (Index i = 0; i < v.rows; ++i) {
        std::fill_n(dx.row(i), features_, T(0));
      }
    }
    for_each(v.rows, [&](Index i, Index f, Index at, Index wave) {
      const T du = saved(v).row(i)[at] * v.out.dy.row(i)[at];
      v.in[0].dx.row(i)[f] += T(two_pi) * c[wave] * du;
      along.in[0].dx.row(i)[f] += T(two_pi) * (c[wave] * du_along(v, i, at) + (d ? d[wave] * du : T(0)));
    });
  }

  void gradient_along(const View<T>& v, const Team& team) const {
    const Range mine = share(team);
    for (int tensor = 0; tensor < (phases_ ? 2 : 1); ++tensor) {
      std::fill_n(gradient_of(v, tensor) + mine.begin * frequencies_, mine.size() * frequencies_, T(0));
    }
    for_each(
        v.rows,
        [&](Index i, Index f, Index at, Index wave) {
          const T du = saved(v).row(i)[at] * v.out.dy.row(i)[at], along = du_along(v, i, at);
          gradient_of(v, 0)[wave] += T(two_pi) * (v.in[0].x.row(i)[f] * along + v.along->in[0].x.row(i)[f] * du);
          if (phases_) {
            gradient_of(v, 1)[wave] += along;
          }
        },
        mine);
    take(v, team, mine);
  }

 private:
  static constexpr double two_pi = 6.283185307179586476925;

  Index width() const { return phases_ ? frequencies_ : 2 * frequencies_; }
  Range share(const Team& team) const { return team.split(features_, whole_lines<T>(frequencies_)); }
  static T* gradient_of(const View<T>& v, int tensor) { return v.sink->gradients() + v.tensors.offset(tensor); }

  // dy / du of each row.
  static Rows<T> saved(const View<T>& v) {
    return {reinterpret_cast<T*>(v.out.saved.data), v.out.saved.stride / Index{sizeof(T)}};
  }

  // The derivative of du.
  static T du_along(const View<T>& v, Index i, Index at) {
    return saved(v).row(i)[at] * v.along->out.dy.row(i)[at] + saved(*v.along).row(i)[at] * v.out.dy.row(i)[at];
  }

  void values(const View<T>& v) const {
    kernels<T>().periodic.forward({.rows = v.rows,
                                   .features = features_,
                                   .frequencies = frequencies_,
                                   .frequency = v.tensors.parameter(0),
                                   .phase = phases_ ? v.tensors.parameter(1) : nullptr,
                                   .x = v.in[0].x,
                                   .y = v.out.y,
                                   .derivative = saved(v)});
  }

  PeriodicBackward<T> gradients(const View<T>& v) const {
    return {.rows = v.rows,
            .features = features_,
            .frequencies = frequencies_,
            .frequency = v.tensors.parameter(0),
            .phases = phases_,
            .x = v.in[0].x,
            .dy = v.out.dy,
            .derivative = saved(v)};
  }

  void take(const View<T>& v, const Team& team, Range mine) const {
    for (int tensor = 0; mine.size() > 0 && tensor < (phases_ ? 2 : 1); ++tensor) {
      const Index offset = v.tensors.offset(tensor);
      v.sink->take(team, {offset + mine.begin * frequencies_, offset + mine.end * frequencies_});
    }
  }

  // f(row, feature, place of a value, its place among the frequencies)
  template <class F>
  void for_each(Index rows, F&& f, Range features) const {
    for (Index i = 0; i < rows; ++i) {
      for (Index feature = features.begin; feature < features.end; ++feature) {
        for (Index j = 0; j < width(); ++j) {
          f(i, feature, feature * width() + j, feature * frequencies_ + j % frequencies_);
        }
      }
    }
  }
  template <class F>
  void for_each(Index rows, F&& f) const {
    for_each(rows, f, {0, features_});
  }

  Index features_, frequencies_;
  bool phases_;
};

template <class T>
Layer<T> periodic(Index features, Index frequencies, bool phases) {
  Layer<T> layer{.outputs = checked_product(features, phases ? frequencies : checked_product(2, frequencies))};
  layer.cost = 2 * elementwise_cost * static_cast<double>(layer.outputs);
  layer.saved = checked_product(layer.outputs, sizeof(T));
  add_tensor(layer, "frequencies", {features, frequencies});
  if (phases) {
    add_tensor(layer, "phases", {features, frequencies});
  }
  const PeriodicLayer<T> p(features, frequencies, phases);
  layer.training = {{over_rows<T>([=](const View<T>& v) { p.forward(v); })},
                    {over_rows<T>([=](const View<T>& v) { p.backward(v); })},
                    {over_parameters<T>([=](const View<T>& v, const Team& team) { p.gradient(v, team); })}};
  layer.inference = layer.training;
  layer.curvature = {{over_rows<T>([=](const View<T>& v) { p.forward_along(v); })},
                     {over_rows<T>([=](const View<T>& v) { p.backward_along(v); })},
                     {over_parameters<T>([=](const View<T>& v, const Team& team) { p.gradient_along(v, team); })}};
  return layer;
}

template <class T>
Kinds<T> periodic_kinds() {
  return {{"periodic", {[](Sizes in, const LayerSpec&, Numbers& n) {
             return periodic<T>(in[0], n.count("frequencies"), n.flag("phases"));
           }}}};
}

}  // namespace fastopt
