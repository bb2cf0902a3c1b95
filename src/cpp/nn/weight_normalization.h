// A dense layer whose weights have a length and a direction of their own: W = g v / |v| for each column (Salimans and
// Kingma, Weight normalization, NIPS 2016).
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/product/args.h"
#include "nn/dense.h"
#include "runtime/scratch.h"

namespace fastopt {

template <class T>
class WeightNormalization final : public Dense<T> {
 public:
  WeightNormalization(Index inputs, Index outputs, bool bias)
      : Dense<T>(inputs, outputs, bias), g_(this->add_tensor("g", {outputs})) {}

  Index workspace() const override { return weights_begin() + weights_room() + parts * room(); }
  bool prepares_forward() const override { return true; }
  bool gathers_gradients() const override { return true; }

  void prepare_forward(const Team& team, const Flow<T>& flow) const override {
    const T *const v = directions(flow), *const g = flow.parameters + g_offset();
    T *const w = flow.workspace + weights_begin(), *const inverses = place(flow, inverse),
             *const ratios = place(flow, ratio);
    for_each_block(team, [&](Range columns) {
      double squares[block] = {};
      sum_columns(columns, v, v, squares);
      for (Index j = columns.begin; j < columns.end; ++j) {
        const double square = squares[j - columns.begin];
        inverses[j] = square > 0 ? static_cast<T>(1 / std::sqrt(square)) : T(0);  // no direction: W = 0
        ratios[j] = g[j] * inverses[j];
      }
      for (Index i = 0; i < this->inputs(); ++i) {
        for (Index j = columns.begin, at = i * this->outputs() + j; j < columns.end; ++j, ++at) {
          w[at] = v[at] * ratios[j];
        }
      }
    });
  }

  // dW, and dg = sum(dW v) / |v| over each column.
  void gather_gradients(const Team& team, Index batch, const Flow<T>& flow) const override {
    const T *const v = directions(flow), *const inverses = place(flow, inverse);
    T *const dw = flow.gradients + this->kernel().offset, *const dg = flow.gradients + g_offset(),
             *const alongs = place(flow, along);
    for_each_block(team, [&](Range columns) {
      kernels<T>().product.multiply(
          {.rows = this->inputs(),
           .columns = columns.size(),
           .depth = batch,
           .a = flow.x,
           .a_transposed = true,
           .b = {flow.dy.data + columns.begin, flow.dy.stride, kernels<T>().product.panel_width, true},
           .c = {dw + columns.begin, this->outputs()},
           .scratch = scratch()});
      double products[block] = {};
      sum_columns(columns, dw, v, products);
      for (Index j = columns.begin; j < columns.end; ++j) {
        dg[j] = static_cast<T>(products[j - columns.begin] * static_cast<double>(inverses[j]));
        alongs[j] = dg[j] * inverses[j];
      }
    });
  }

  // dv = g / |v| (dW - v dg / |v|)
  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override {
    const T *const v = directions(flow), *const ratios = place(flow, ratio), *const alongs = place(flow, along);
    T* const dv = flow.gradients + this->kernel().offset;
    const Index columns = this->outputs();
    const auto turn = [&](Range rows) {
      for (Index i = rows.begin; i < rows.end; ++i) {
        const T* const v_row = v + i * columns;
        T* const dv_row = dv + i * columns;
        for (Index j = 0; j < columns; ++j) {
          dv_row[j] = ratios[j] * (dv_row[j] - v_row[j] * alongs[j]);
        }
      }
    };
    const Range mine = team.split(columns, alignment);
    return this->for_each_part(team, batch, turn, done) &&
           (mine.size() == 0 || done({g_offset() + mine.begin, g_offset() + mine.end})) &&
           this->backward_bias(team, batch, flow, done);
  }

 private:
  static constexpr Index block = 32;  // columns; the same for every team, because a product's sums depend on its width

  const T* weights(const Flow<T>& flow) const override { return flow.workspace + weights_begin(); }
  const T* directions(const Flow<T>& flow) const { return flow.parameters + this->kernel().offset; }
  Index g_offset() const { return this->tensors_[static_cast<std::size_t>(g_)].offset; }

  // In the workspace: the panels of W^T, W with a line of slack and, of each column, 1 / |v|, g / |v| and dg / |v|.
  enum Place : std::uint8_t { inverse, ratio, along };
  static constexpr Index parts = 3;
  Index weights_begin() const { return round_up(Dense<T>::workspace(), alignment); }
  Index weights_room() const { return round_up(this->kernel().size, alignment) + alignment; }
  Index room() const { return round_up(this->outputs(), alignment); }
  T* place(const Flow<T>& flow, Place which) const {
    return flow.workspace + weights_begin() + weights_room() + which * room();
  }

  template <class F>
  void for_each_block(const Team& team, F&& work) const {
    const Range mine = team.split(this->outputs(), block);
    for (Index first = mine.begin; first < mine.end; first += block) {
      work(Range{first, std::min(first + block, mine.end)});
    }
  }

  // sums_j += sum over i of a_ij b_ij
  void sum_columns(Range columns, const T* a, const T* b, double* sums) const {
    for (Index i = 0; i < this->inputs(); ++i) {
      const Index first = i * this->outputs() + columns.begin;
      for (Index j = 0; j < columns.size(); ++j) {
        sums[j] += static_cast<double>(a[first + j]) * static_cast<double>(b[first + j]);
      }
    }
  }

  int g_;
};

}  // namespace fastopt
