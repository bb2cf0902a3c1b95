// One step of an update rule, and of the transforms around it, on arrays of parameters: the walk over the tensors. All
// of it is one pass, but for norms, which need the whole gradient.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "core/buffer.h"
#include "core/counter.h"
#include "core/norm.h"
#include "kernels/update/args.h"
#include "optim/rules.h"
#include "optim/transforms/list.h"
#include "runtime/team.h"

namespace fastopt {

template <class T>
struct Tensor {
  Index size;
  T* parameter = nullptr;
  const T* gradient = nullptr;
  std::array<T*, max_slots> slots{};                  // the rule's
  std::array<T*, transform_count> transform_slots{};  // those of the transforms that keep one
  double rate = 1;                                    // multiplies the learning rate
  double decay = 1;                                   // multiplies decays
  Index rows = 0, columns = 0, longest = 0;  // of matrices that the rule takes as wholes; 0: element by element
  bool frozen = false;                       // nothing is done to it, and its gradient does not count

  bool matrix() const { return columns > 0; }
  Sides sides() const { return matrix() ? Sides{size / (rows * columns), rows, columns, longest} : Sides{1, 1, size}; }
};

// Elements that stay in the first-level cache from one operation on them to the next, and over which sums are taken.
inline constexpr Index chunk_size = 1024;

template <class T>
class Step {
 public:
  Step(int rule, std::vector<int> transforms, std::vector<Tensor<T>> tensors);

  int rule() const { return rule_; }
  const std::vector<int>& transforms() const { return transforms_; }
  std::vector<Tensor<T>>& tensors() { return tensors_; }
  const std::vector<Tensor<T>>& tensors() const { return tensors_; }
  Index size() const;  // of all tensors

  // The numbers that a step needs, in order: the rule's, then one for each transform.
  const std::vector<std::string_view>& hyper() const { return hyper_names_; }

  // One step on a team of its own, with denormals flushed to zero or not.
  void run(std::span<const double> hyper, bool flush);

  // Or in a team that is there. Before a step, by one thread; the gradient is a mean over so many rows.
  void begin(std::span<const double> hyper, Index rows = 1);
  // Then, where the rule looks ahead, by every rank and with a barrier before and after.
  bool looks_ahead() const { return entry().theta >= 0; }
  void look_ahead(const Team& team) const;
  // Instead of the step: the parameters as they were.
  void undo_look_ahead(const Team& team) const;
  // Where the rule averages: whether the average is in the place of the parameters, and to put it there or these back;
  // there is none before the first step.
  bool averages() const { return entry().between != nullptr; }
  bool at_average() const { return averages() && numbers.back() != 0; }
  void put_average(bool there);
  // Whether some transform needs memory within a step.
  bool spares() const { return spare_.size() > 0; }
  // Where the gradient is to be taken once more, at a point up from here: the way there, by every rank and with a
  // barrier before and after; then back to the parameters as they were.
  bool ascends() const { return now<Ascent<false>>() != 0 || now<Ascent<true>>() != 0; }
  void ascend(const Team& team);
  void descend(const Team& team);
  // Then, if the step of an element depends on no other, every part of every tensor once; else, by every rank, all of
  // it.
  bool elementwise() const { return elementwise_; }
  bool accumulates() const { return now<Accumulate>() == 0; }  // the gradient, for a later step
  void part(std::size_t tensor, Range elements) {
    if (!tensors_[tensor].frozen) {
      update(tensor, elements, 0, tensors_[tensor].gradient);
    }
  }
  // The same with a gradient of these elements that lies elsewhere, where it may go `by_rows`.
  void part_from(std::size_t tensor, Range elements, const T* gradient) {
    if (!tensors_[tensor].frozen) {
      update(tensor, elements, 0, gradient - elements.begin);
    }
  }
  void whole(const Team& team);
  // Whether the step of an element depends on no other, whatever the hyperparameters.
  bool separate() const {
    return entry().sums == 0 && !takes_matrices_ && !looks_ahead() && !measures() &&
           !any_transform<&TransformEntry::spares>();
  }
  // Whether elements may be left out: nothing but the rule moves them, and each by itself.
  bool by_rows() const;
  // After a barrier, by one thread.
  void end();

  // What goes from step to step beside the slots.
  Counter taken;                // steps
  Counter held;                 // gradients since the last step
  Counter held_rows;            // that these are means over, all together; 0: not known, as many each
  Counter first_rows;           // that the first of these is a mean over, whose weight in the sum is 1
  std::vector<double> numbers;  // the rule's `state`

 private:
  struct Group {  // of tensors that have the same coefficients
    double rate, decay;
    Coefficients coefficients;
  };

  const RuleEntry& entry() const { return *entry_; }
  template <class Transform>
  double now() const {
    return now_[transform_place<Transform>];
  }
  template <auto flag>
  bool any_transform() const {
    return std::ranges::any_of(transforms_,
                               [](int place) { return fastopt::transforms[static_cast<std::size_t>(place)].*flag; });
  }
  bool measures() const { return any_transform<&TransformEntry::measures>(); }
  bool masks() const { return now<Cautious>() != 0; }
  bool whole(const Tensor<T>& tensor) const { return entry().everything || (tensor.matrix() && matrix_entry().whole); }
  const MatrixEntry<T>& matrix_entry() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return entry().matrix;
    } else {
      return entry().matrix_double;
    }
  }
  template <class Transform>
  T* slot(const Tensor<T>& tensor) const {
    return tensor.transform_slots[transform_place<Transform>];
  }
  T* spare(std::size_t tensor) { return spare_.data() + first_chunk_[tensor] * chunk_size; }
  const T* gradient(const Tensor<T>& tensor) const;
  Update<T> update_of(std::size_t tensor, Range elements) const;
  template <class F>
  void transform(const Tensor<T>& tensor, const Update<T>& u, F&& f) const;
  template <class F>
  void for_pieces(const Team& team, F&& f) const;
  void add_squares(std::size_t tensor, Range elements, Index chunk);
  template <class F>
  void find_norms(F&& at);
  void find_factors();
  void start_slots(const Tensor<T>& tensor, Range elements) const;
  void copy_frozen() const;
  void update(std::size_t tensor, Range elements, Index chunk, const T* gradient);
  void hold(const Tensor<T>& tensor, Range elements) const;
  void finish(std::size_t tensor, Range elements, double factor) const;
  void settle(const Tensor<T>& tensor, const Update<T>& u) const;
  void use_sums();
  void mask(std::size_t tensor, Update<T> u, Index chunk);
  void finish_masked(std::size_t tensor, Range elements);
  void take_matrices(const Team& team);

  int rule_;
  const RuleEntry* entry_;
  std::size_t decay_;  // the place of the rule's own decay among its numbers; or as many as these
  std::vector<int> transforms_;
  std::vector<std::string_view> hyper_names_;
  std::vector<Tensor<T>> tensors_;
  std::vector<Index> first_chunk_;  // of each tensor, and the number of all
  std::vector<Group> groups_;
  std::vector<std::size_t> group_;  // of each tensor
  // Of one step.
  std::array<double, max_hyper> hyper_{};
  std::array<double, transform_count> now_{};
  bool transforms_parameters_ = false, elementwise_ = false;
  std::vector<double> next_numbers_;  // as they are in this step, and from its sums on as they will be after it
  Index rows_ = 1;
  double weight_ = 1;                               // of the gradient in the sum of those that are held
  std::vector<std::array<double, max_sums>> sums_;  // of each chunk

  bool takes_matrices_ = false;
  double matrix_cost_ = 0;
  std::vector<double> chunk_squares_;  // of one matrix
  Buffer<T> matrix_memory_;
  T* room_ = nullptr;                                     // in it, for one tensor
  Buffer<T> spare_;                                       // of the transforms that need it, for each chunk
  double ascent_ = 0;                                     // the factor of the gradient on the way up
  std::vector<double> squares_, norms_, scale_, factor_;  // of each tensor; the last is the rule's
};

inline Index chunks_of(Index size) {
  return (size + chunk_size - 1) / chunk_size;
}

// f(tensor, elements, number of their first chunk) for what this rank has of every tensor that is not frozen.
template <class T>
template <class F>
void Step<T>::for_pieces(const Team& team, F&& f) const {
  const Range chunks = team.split(first_chunk_.back());
  auto i = static_cast<std::size_t>(std::ranges::upper_bound(first_chunk_, chunks.begin) - first_chunk_.begin() - 1);
  for (; i < tensors_.size() && first_chunk_[i] < chunks.end; ++i) {
    const Index first = std::max(chunks.begin, first_chunk_[i]), last = std::min(chunks.end, first_chunk_[i + 1]);
    const Range elements{(first - first_chunk_[i]) * chunk_size,
                         std::min((last - first_chunk_[i]) * chunk_size, tensors_[i].size)};
    if (!tensors_[i].frozen) {
      f(i, elements, first);
    }
  }
}

// The norms of all tensors, from the sums of squares that their chunks have; at(tensor, k) is an element whose square
// is in these.
template <class T>
template <class F>
void Step<T>::find_norms(F&& at) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    squares_[i] = 0;
    for (Index c = first_chunk_[i]; !tensors_[i].frozen && c < first_chunk_[i + 1]; ++c) {
      squares_[i] += sums_[static_cast<std::size_t>(c)][0];
    }
    norms_[i] =
        static_cast<double>(norm_of(squares_[i], tensors_[i].size, [&](Index k) { return at(tensors_[i], k); }));
  }
}

}  // namespace fastopt
