// The memory of a pass: values and, where it goes back, gradients of the rows of one batch, in one allocation.
#pragma once

#include <vector>

#include "core/buffer.h"
#include "nn/schedule.h"

namespace fastopt {

// Rows start on cache lines, and not a multiple of a page apart: such rows would share few sets of the cache.
template <class T>
Index padded_stride(Index columns) {
  constexpr Index line = alignment / static_cast<Index>(sizeof(T)), page = 4096;
  const Index stride = round_up(columns, line);
  return stride * static_cast<Index>(sizeof(T)) % page == 0 ? stride + line : stride;
}

// What a batch needs.
struct Capacity {
  Index rows = 0;
  std::vector<std::size_t> metrics = {};  // of each output
  bool gradients = false;
};

template <class T>
struct Arena {
  struct Level {  // of one node
    Rows<T> y, dy;
    Rows<std::byte> saved;
    T* workspace = nullptr;
    Rows<T> spare;  // where the gradient of what the values cost is computed
    // Of its inputs whose values have other uses too: the gradient of this one.
    std::vector<Rows<T>> branches;
    // Where the gradient of tensors that it shares is computed, but by their owner; as an origin of their offsets.
    T* gradients = nullptr;
  };
  struct Output {
    // Values activated for metrics, where a loss takes them before that; or, where others take them activated, before.
    Rows<T> other;
    Rows<T> branch;  // as above
    T* loss;
    std::vector<T*> metrics;
  };

  Buffer<T> memory;
  std::vector<Rows<T>> x;  // samples that cannot be read in place, of each input
  std::vector<Level> levels;
  std::vector<Output> outputs;
  T* penalty = nullptr;  // of each row, where the values of layers cost something
  // Rows from values and gradients to their derivatives along a direction, in a mode that has them; else 0.
  Index along = 0;
  Rows<const T> zeros;  // the derivatives of values that no parameter changes
};

// Throws std::length_error where it would be too large.
template <class T>
Arena<T> make_arena(const Plan<T>& plan, const Wiring& wiring, Mode mode, const Capacity& capacity);

// An arena with the schedules that run in it, made anew where they do not suffice.
template <class T>
class Memory {
 public:
  void reserve(const Plan<T>& plan, Mode mode, Capacity capacity);
  // Of the mode; its reference lasts until the next call of `reserve` or `reset`.
  const Schedule& schedule(const Plan<T>& plan, const Task& task);
  // When layers were frozen or freed.
  void reset() { schedules_.clear(); }

  const Wiring& wiring() const { return wiring_; }
  Mode mode() const { return mode_; }
  Arena<T>& arena() { return arena_; }
  const KernelTable* table() const { return table_; }
  // Rows that go through all layers together, while their values stay in the second-level cache.
  Index slab_rows() const { return slab_rows_; }

  std::vector<double> penalties;  // of the chunks of the parameters that cost something

 private:
  Capacity capacity_;
  Mode mode_;
  const KernelTable* table_ = nullptr;  // the sizes of panels depend on it
  Index slab_rows_ = 1;
  Wiring wiring_;
  Arena<T> arena_;
  std::vector<std::pair<Task, Schedule>> schedules_;
};

}  // namespace fastopt
