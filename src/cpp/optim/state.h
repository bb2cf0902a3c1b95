// What an optimizer remembers: the slots of its rule and of the transforms around it, for a list of tensors.
#pragma once

#include "core/buffer.h"
#include "optim/step.h"

namespace fastopt {

template <class T>
class State {
 public:
  // What the tensors lack, their slots, is made here: one allocation for each name, tensor after tensor.
  State(int rule, const std::vector<int>& transforms, std::vector<Tensor<T>> tensors);

  Step<T>& step() { return step_; }

  // The names of the slots, and those of a tensor in that order.
  const std::vector<std::string_view>& slot_names() const { return slot_names_; }
  std::vector<T*> slots(std::size_t tensor);
  const std::vector<Buffer<T>>& buffers() const { return slots_; }
  // Whether processes can do parts of the step: elements are for themselves, and slots as the parameters. Then the
  // first tensor's slots begin those of all.
  bool splits() const;
  // The step of a part of a network's flat parameters, where it is elementwise.
  void part(Range part);
  // Where each tensor begins in a network's flat parameters.
  const std::vector<Index>& offsets() const { return offsets_; }

 private:
  std::vector<std::string_view> slot_names_;
  std::vector<Index> offsets_;
  std::vector<std::vector<Index>> slot_offsets_;  // of each slot, where each tensor begins
  std::vector<Buffer<T>> slots_;
  Step<T> step_;
};

// The place of a transform by its name; throws std::invalid_argument where there is none.
int find_transform(std::string_view name);

}  // namespace fastopt
