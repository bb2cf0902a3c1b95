// A dense layer whose weights have a length and a direction of their own: W = g v / |v| for each column (Salimans and
// Kingma, Weight normalization, NIPS 2016).
#pragma once

#include <algorithm>
#include <cmath>

#include "nn/dense.h"

namespace fastopt {

template <class T>
class WeightNormalization final : public Dense<T> {
 public:
  WeightNormalization(Index inputs, Index outputs, bool bias)
      : Dense<T>(inputs, outputs, bias), g_(this->add_tensor("g", {outputs})) {}

  Index workspace() const override {
    return weights_begin() + weights_room() + 2 * round_up(this->outputs(), alignment);
  }
  bool prepares_forward() const override { return true; }
  bool gathers_gradients() const override { return true; }

  void prepare_forward(const Team& team, const Flow<T>& flow) const override {
    const T* const g = flow.parameters + g_offset();
    T *const w = flow.workspace + weights_begin(), *const ratios = ratio(flow);
    for_each_block(team, [&](Range columns) {
      double squares[block] = {};
      sum_columns(columns, v(flow), v(flow), squares);
      for (Index j = columns.begin; j < columns.end; ++j) {
        // A column of zeros has no direction: W = 0.
        const double square = squares[j - columns.begin];
        ratios[j] = square > 0 ? static_cast<T>(static_cast<double>(g[j]) / std::sqrt(square)) : T(0);
      }
      for (Index i = 0; i < this->inputs(); ++i) {
        for (Index j = columns.begin; j < columns.end; ++j) {
          w[i * this->outputs() + j] = v(flow)[i * this->outputs() + j] * ratios[j];
        }
      }
    });
  }

  // dW, and dg = sum(dW v) / |v| over each column.
  void gather_gradients(const Team& team, Index batch, const Flow<T>& flow) const override {
    T *const dw = flow.gradients + this->kernel().offset, *const dg = flow.gradients + g_offset();
    for_each_block(team, [&](Range columns) {
      kernels<T>().multiply({.rows = this->inputs(),
                             .columns = columns.size(),
                             .depth = batch,
                             .a = flow.x,
                             .a_transposed = true,
                             .b = {flow.dy.data + columns.begin, flow.dy.stride, kernels<T>().panel_width, true},
                             .c = {dw + columns.begin, this->outputs()}});
      double products[block] = {}, squares[block] = {};
      sum_columns(columns, dw, v(flow), products);
      sum_columns(columns, v(flow), v(flow), squares);
      for (Index j = columns.begin; j < columns.end; ++j) {
        const double product = products[j - columns.begin], square = squares[j - columns.begin];
        dg[j] = square > 0 ? static_cast<T>(product / std::sqrt(square)) : T(0);
        along(flow)[j] = square > 0 ? static_cast<T>(product / square) : T(0);
      }
    });
  }

  // dv = g / |v| (dW - v dg / |v|)
  bool backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const override {
    T* const dv = flow.gradients + this->kernel().offset;
    const bool finished = this->for_each_part(
        team,
        [&](Range rows) {
          for (Index i = rows.begin; i < rows.end; ++i) {
            for (Index j = 0, at = i * this->outputs(); j < this->outputs(); ++j, ++at) {
              dv[at] = ratio(flow)[j] * (dv[at] - v(flow)[at] * along(flow)[j]);
            }
          }
        },
        done);
    const Range mine = team.split(this->outputs(), alignment);
    return finished && (mine.size() == 0 || done({g_offset() + mine.begin, g_offset() + mine.end})) &&
           this->backward_bias(team, batch, flow, done);
  }

 private:
  static constexpr Index block = 32;  // columns; the same for every team, because a product's sums depend on its width

  const T* weights(const Flow<T>& flow) const override { return flow.workspace + weights_begin(); }
  const T* v(const Flow<T>& flow) const { return flow.parameters + this->kernel().offset; }
  Index g_offset() const { return this->tensors_[static_cast<std::size_t>(g_)].offset; }

  // In the workspace: the panels of W^T, W and a line of slack, g / |v|, and dg / |v|.
  Index weights_begin() const { return round_up(Dense<T>::workspace(), alignment); }
  Index weights_room() const { return round_up(this->kernel().size, alignment) + alignment; }
  T* ratio(const Flow<T>& flow) const { return flow.workspace + weights_begin() + weights_room(); }
  T* along(const Flow<T>& flow) const { return ratio(flow) + round_up(this->outputs(), alignment); }

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
      for (Index j = columns.begin, at = i * this->outputs() + j; j < columns.end; ++j, ++at) {
        sums[j - columns.begin] += static_cast<double>(a[at]) * static_cast<double>(b[at]);
      }
    }
  }

  int g_;
};

}  // namespace fastopt
