// Layers of an ensemble whose members take turns at the rows of a batch: row i is that of member i mod k.
#pragma once

#include <algorithm>

#include "kernels/elementwise/args.h"
#include "kernels/update/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

// f(row, member) for the rows of a view.
template <class T, class F>
void for_each_member_row(const View<T>& v, Index members, const F& f) {
  for (Index i = 0; i < v.rows; ++i) {
    f(i, (v.slab.first + i) % members);
  }
}

// A gradient of a tensor of so many elements a member: add(row, to) for each row, in their order.
template <class T, class F>
Phase<T> member_gradient(int tensor, Index members, Index size, const F& add) {
  return over_parameters<T>([=](const View<T>& v, const Team& team) {
    const Range mine = team.split(members, 1);
    if (mine.size() == 0) {
      return;
    }
    const Index offset = v.tensors.offset(tensor);
    T* const to = v.sink->gradients() + offset;
    std::fill(to + mine.begin * size, to + mine.end * size, T(0));
    for_each_member_row(v, members, [&](Index row, Index member) {
      if (member >= mine.begin && member < mine.end) {
        add(v, row, to + member * size);
      }
    });
    v.sink->take(team, {offset + mine.begin * size, offset + mine.end * size});
  });
}

template <class T>
Phase<T> member_bias_gradient(int tensor, Index members, Index columns) {
  return member_gradient<T>(tensor, members, columns, [](const View<T>& v, Index row, T* to) {
    kernels<T>().update.add(v.out.dy.row(row), to, v.out.columns);
  });
}

// y = x w_m + b_m, element by element (Wen, Tran and Ba, BatchEnsemble, ICLR 2020).
template <class T>
Layer<T> member_scale(Index inputs, Index members, bool bias) {
  Layer<T> layer = row_layer<T>(
      inputs, over_rows<T>([=](const View<T>& v) {
        const T *const w = v.tensors.parameter(0), *const b = bias ? v.tensors.parameter(1) : nullptr;
        for_each_member_row(v, members, [&](Index row, Index member) {
          kernels<T>().elementwise.multiply(v.in[0].x.row(row), w + member * inputs, v.out.y.row(row), inputs);
          if (b) {
            kernels<T>().update.add(b + member * inputs, v.out.y.row(row), inputs);
          }
        });
        activate(v);
      }),
      over_rows<T>([=](const View<T>& v) {
        const T* const w = v.tensors.parameter(0);
        for_each_member_row(v, members, [&](Index row, Index member) {
          kernels<T>().elementwise.multiply(v.out.dy.row(row), w + member * inputs, v.in[0].dx.row(row), inputs);
        });
        differentiate(v);
      }));
  const int w = add_tensor(layer, "scale", {members, inputs});
  layer.training.gradient = {member_gradient<T>(w, members, inputs, [](const View<T>& v, Index row, T* to) {
    const T *const x = v.in[0].x.row(row), *const dy = v.out.dy.row(row);
    for (Index j = 0; j < v.out.columns; ++j) {
      to[j] += x[j] * dy[j];
    }
  })};
  if (bias) {
    const int b = add_tensor(layer, "bias", {members, inputs});
    layer.training.gradient.push_back(member_bias_gradient<T>(b, members, inputs));
  }
  layer.inference = layer.training;
  return layer;
}

// y = x W_m + b_m, for few outputs.
template <class T>
Layer<T> member_dense(Index inputs, Index outputs, Index members, bool bias) {
  const Index size = checked_product(inputs, outputs);
  Layer<T> layer =
      row_layer<T>(outputs, over_rows<T>([=](const View<T>& v) {
                     const T *const w = v.tensors.parameter(0), *const b = bias ? v.tensors.parameter(1) : nullptr;
                     for_each_member_row(v, members, [&](Index row, Index member) {
                       const T *const x = v.in[0].x.row(row), *const of = w + member * size;
                       T* const y = v.out.y.row(row);
                       if (b) {
                         std::copy_n(b + member * outputs, outputs, y);
                       } else {
                         std::fill_n(y, outputs, T(0));
                       }
                       for (Index i = 0; i < inputs; ++i) {
                         for (Index j = 0; j < outputs; ++j) {
                           y[j] += x[i] * of[i * outputs + j];
                         }
                       }
                     });
                     activate(v);
                   }),
                   over_rows<T>([=](const View<T>& v) {
                     const T* const w = v.tensors.parameter(0);
                     for_each_member_row(v, members, [&](Index row, Index member) {
                       const T *const dy = v.out.dy.row(row), *const of = w + member * size;
                       T* const dx = v.in[0].dx.row(row);
                       for (Index i = 0; i < inputs; ++i) {
                         T sum = 0;
                         for (Index j = 0; j < outputs; ++j) {
                           sum += dy[j] * of[i * outputs + j];
                         }
                         dx[i] = sum;
                       }
                     });
                     differentiate(v);
                   }));
  layer.cost = 2.0 * static_cast<double>(size);
  const int w = add_tensor(layer, "kernel", {members, inputs, outputs});
  layer.training.gradient = {member_gradient<T>(w, members, size, [=](const View<T>& v, Index row, T* to) {
    const T *const x = v.in[0].x.row(row), *const dy = v.out.dy.row(row);
    for (Index i = 0; i < inputs; ++i) {
      for (Index j = 0; j < outputs; ++j) {
        to[i * outputs + j] += x[i] * dy[j];
      }
    }
  })};
  if (bias) {
    const int b = add_tensor(layer, "bias", {members, outputs});
    layer.training.gradient.push_back(member_bias_gradient<T>(b, members, outputs));
  }
  layer.inference = layer.training;
  return layer;
}

template <class T>
Kinds<T> members_kinds() {
  return {{"member_scale", {[](Sizes in, const LayerSpec&, Numbers& n) {
             return member_scale<T>(in[0], n.count("members"), n.flag("use_bias"));
           }}},
          {"member_dense", {[](Sizes in, const LayerSpec&, Numbers& n) {
             return member_dense<T>(in[0], n.count("units"), n.count("members"), n.flag("use_bias"));
           }}}};
}

}  // namespace fastopt
