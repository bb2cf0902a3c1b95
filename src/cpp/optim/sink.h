// The step of an optimizer on each part of a gradient, while it is in cache.
#pragma once

#include <algorithm>
#include <utility>

#include "nn/sink.h"
#include "optim/state.h"

namespace fastopt {

// Of a state for all tensors of a plan, in their order. Where the step needs the whole gradient first, parts are left
// where they are.
template <class T>
class StepSink final : public Sink<T> {
 public:
  StepSink(T* gradients, State<T>& state) : Sink<T>(gradients), state_(state) {}

  void take(const Team&, Range part) override {
    if (state_.step().elementwise()) {
      const auto [tensor, elements] = elements_of(part);
      state_.step().part(tensor, elements);
    }
  }
  void take_from(const Team& team, Range part, const T* gradient) override {
    if (by_rows()) {
      const auto [tensor, elements] = elements_of(part);
      state_.step().part_from(tensor, elements, gradient);
    } else {
      Sink<T>::take_from(team, part, gradient);
    }
  }

  bool by_rows() const override { return state_.step().by_rows(); }

 private:
  std::pair<std::size_t, Range> elements_of(Range part) const {
    const std::vector<Index>& offsets = state_.offsets();
    const auto tensor = static_cast<std::size_t>(std::ranges::upper_bound(offsets, part.begin) - offsets.begin() - 1);
    return {tensor, {part.begin - offsets[tensor], part.end - offsets[tensor]}};
  }

  State<T>& state_;
};

}  // namespace fastopt
