// The penalties of weights and values in a pass: their sums and their gradients.
#pragma once

#include <algorithm>

#include "kernels/update/args.h"
#include "nn/along.h"
#include "nn/arena.h"
#include "nn/objective.h"

namespace fastopt {

// Elements of the parameters whose penalties are summed together.
inline constexpr Index penalty_chunk = 4096;

// f(tensor, its chunks, number of the first) for the tensors that cost something; returns the number of all chunks.
template <class T, class F>
Index for_each_penalized(const Plan<T>& plan, F&& f) {
  Index first = 0;
  plan.for_each_learning([&](const TensorSpec& tensor) {
    if (tensor.penalty.any()) {
      const Index chunks = (tensor.size + penalty_chunk - 1) / penalty_chunk;
      f(tensor, chunks, first);
      first += chunks;
    }
  });
  return first;
}

// What the parameters cost, chunk by chunk: this rank's share. `penalties` has as many elements as there are chunks.
template <class T>
void measure_parameters(const Team& team, const Plan<T>& plan, const T* parameters, std::vector<double>& penalties) {
  if (penalties.empty()) {
    return;
  }
  for_each_penalized(plan, [&](const TensorSpec& tensor, Index chunks, Index first) {
    const Range mine = team.split(chunks);
    for (Index c = mine.begin; c < mine.end; ++c) {
      const Index begin = c * penalty_chunk;
      penalties[static_cast<std::size_t>(first + c)] =
          tensor.penalty.value(parameters + tensor.offset + begin, std::min(penalty_chunk, tensor.size - begin));
    }
  });
}

// What the values of layers cost, of some rows.
template <class T>
void measure_values(const Plan<T>& plan, Memory<T>& memory, const Objective<T>* objective, Range rows) {
  Arena<T>& arena = memory.arena();
  if (!arena.penalty) {
    return;
  }
  std::fill_n(arena.penalty + rows.begin, rows.size(), T(0));
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const Node<T>& node = plan.nodes[i];
    if (!node.activity.any()) {
      continue;
    }
    const Rows<T> y = arena.levels[i].y.from(rows.begin);
    // Of values that a loss took before their activation; nothing needs them so any more.
    for (std::size_t output = 0; objective && output < plan.outputs.size(); ++output) {
      if (memory.wiring().outputs[output] == static_cast<Index>(i) && objective->goals[output].logits &&
          !objective->splits_at(static_cast<Index>(i))) {
        activation_kernel<T>(node.activation).activate(y, y, rows.size(), node.layer.outputs);
        if (arena.along > 0) {
          activate_derivatives<T>(node.activation, y, arena.along, rows.size(), node.layer.outputs);
        }
      }
    }
    for (Index row = 0; row < rows.size(); ++row) {
      arena.penalty[rows.begin + row] += static_cast<T>(node.activity.value(y.row(row), node.layer.outputs));
    }
  }
}

// Adds the gradient of the mean over the batch of what a node's values cost to the gradient of the values, and its
// derivative `along` rows further on; `linearized`, this alone.
template <class T>
void differentiate_values(const Node<T>& node, Rows<T> y, Rows<T> dy, Rows<T> spare, Index rows, double scale,
                          Index along, bool linearized) {
  const Index columns = node.layer.outputs;
  for (Index i = 0; i < rows; ++i) {
    if (linearized) {
      std::fill_n(spare.row(i), columns, T(0));
    } else {
      node.activity.template differentiate<T>(y.row(i), nullptr, scale, spare.row(i), columns);
    }
    if (along > 0) {
      node.activity.multiply_hessian(y.row(along + i), scale, spare.row(along + i), columns);
    }
  }
  if (along > 0) {
    differentiate_twice<T>(node.activation, y, spare, spare, along, rows, columns);
  } else {
    activation_kernel<T>(node.activation).differentiate(y, spare, spare, rows, columns);
  }
  for (Index i = 0; i < rows; ++i) {
    kernels<T>().update.add(spare.row(i), dy.row(i), columns);
    if (along > 0) {
      kernels<T>().update.add(spare.row(along + i), dy.row(along + i), columns);
    }
  }
}

// Adds the gradient of what the parameters cost to each part.
template <class T>
class PenalizedSink final : public Sink<T> {
 public:
  PenalizedSink(const Plan<T>& plan, const T* parameters, Sink<T>& next)
      : Sink<T>(next.gradients()), plan_(plan), parameters_(parameters), next_(next) {}

  void take(const Team& team, Range part) override {
    for_each_penalized(plan_, [&](const TensorSpec& tensor, Index, Index) {
      if (part.begin >= tensor.offset && part.begin < tensor.offset + tensor.size) {
        T* const gradient = this->gradients() + part.begin;
        tensor.penalty.differentiate(parameters_ + part.begin, gradient, 1, gradient, part.size());
      }
    });
    next_.take(team, part);
  }
  bool by_rows() const override { return next_.by_rows(); }
  bool stopped() const override { return next_.stopped(); }

 private:
  const Plan<T>& plan_;
  const T* parameters_;
  Sink<T>& next_;
};

// Adds the gradient of what the parameters cost: this rank's share.
template <class T>
void differentiate_parameters(const Team& team, const Plan<T>& plan, const T* parameters, T* gradients) {
  for_each_penalized(plan, [&](const TensorSpec& tensor, Index, Index) {
    const Range mine = team.split(tensor.size, alignment);
    T* const gradient = gradients + tensor.offset + mine.begin;
    tensor.penalty.differentiate(parameters + tensor.offset + mine.begin, gradient, 1, gradient, mine.size());
  });
}

// Brings the parameters back to the sets that they are kept in: this rank's share.
template <class T>
void constrain(const Team& team, const Plan<T>& plan, T* parameters) {
  plan.for_each_learning([&](const TensorSpec& tensor) {
    if (tensor.constraint.any()) {
      const Index columns = tensor.shape.back();
      tensor.constraint.apply(team, parameters + tensor.offset, tensor.size / columns, columns);
    }
  });
}

}  // namespace fastopt
