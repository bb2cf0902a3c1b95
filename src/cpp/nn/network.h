// A plan with parameters, gradients and state of its own, and the memory of its passes.
#pragma once

#include "core/counter.h"
#include "nn/pass.h"

namespace fastopt {

template <class T>
struct Network {
  // As `make_plan`.
  Network(const std::vector<Index>& inputs, const std::vector<LayerSpec>& layers, std::vector<Index> outputs,
          std::uint64_t seed);

  Plan<T> plan;
  Buffer<T> parameters, gradients, state;
  Memory<T> training, inference, curvature;
  Counter draws;           // passes in training so far
  double noise = 1;        // the part of their noise that layers add in training
  Index forward_rows = 0;  // of the last pass by hand; 0: there is none, or it has gone backward

  // A pass of some task through one of the memories, which must have been made for it.
  Pass<T> pass(Memory<T>& memory, const Task& task, Watch& watch);

  std::vector<bool> trainable;  // of each node, as the user wants it
  // Freezes the layer of a node, or frees it; the plan follows.
  void freeze(std::size_t node, bool trained);
  // As the user wants it.
  void freeze();
  bool constrains() const;
  // Brings the parameters to the sets that they are kept in, by a team of its own.
  void constrain();
};

}  // namespace fastopt
