// One step of an update rule on arrays of parameters, together with what may surround any rule: accumulation and
// clipping of gradients, decay, averages of the parameters. All of it is one pass, but for norms, which need the whole
// gradient.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/update/args.h"
#include "nn/registry.h"
#include "runtime/team.h"

namespace fastopt {

// In the order in which they act.
enum class Extra : std::uint8_t { every, clip_norm, clip_global_norm, clip_value, l1, l2, decay, look_back, average };
inline constexpr int extra_kinds = 9;

struct ExtraEntry {
  std::string_view name;
  std::string_view slot;  // the array that it keeps for each parameter, if any
  double neutral;         // the number with which it does nothing
};
const std::array<ExtraEntry, extra_kinds>& extras();
Extra find_extra(std::string_view name);

template <class T>
struct Tensor {
  Index size;
  T* parameter = nullptr;
  const T* gradient = nullptr;
  std::array<T*, max_slots> slots{};          // the rule's
  std::array<T*, extra_kinds> extra_slots{};  // those of the extras that keep one
  double rate = 1;                            // multiplies the learning rate
  bool decays = true;
};

template <class T>
class Updater {
 public:
  Updater(int rule, std::vector<Extra> extras, std::vector<Tensor<T>> tensors);

  int rule() const { return rule_; }
  const std::vector<Extra>& extras() const { return extras_; }
  std::vector<Tensor<T>>& tensors() { return tensors_; }
  Index size() const;  // of all tensors

  // The numbers that a step needs, in order: the rule's, then one for each extra. An `every` of 0 adds the gradient to
  // those before it; one of k does the step along the mean of the k since the last.
  const std::vector<std::string_view>& hyper() const { return hyper_names_; }

  // One step on a team of its own, with denormals flushed to zero or not.
  void run(std::span<const double> hyper, bool flush);

  // Or in a team that is there. Before a step, by one thread.
  void begin(std::span<const double> hyper);
  // Then, where the rule looks ahead, by every rank and with a barrier before and after.
  bool looks_ahead() const { return entry().theta >= 0; }
  void look_ahead(const Team& team) const;
  // Instead of the step: the parameters as they were.
  void look_back(const Team& team) const;
  // Then, if the step can be done by parts, every part of every tensor once; else, by every rank, all of it.
  bool by_parts() const;
  bool holds() const { return now(Extra::every) == 0; }  // the gradient, for a later step
  void part(std::size_t tensor, Range elements) { update(tensor, elements, 0); }
  void whole(const Team& team);
  // After a barrier, by one thread.
  void end();

  std::int64_t step = 0;
  std::int64_t held = 0;      // gradients since the last step
  std::vector<double> state;  // the rule's

 private:
  struct Group {  // of tensors that have the same coefficients
    double rate;
    bool decays;
    Coefficients coefficients;
  };

  const RuleEntry& entry() const { return rules()[static_cast<std::size_t>(rule_)]; }
  double now(Extra extra) const { return now_[static_cast<std::size_t>(extra)]; }
  bool has(Extra extra) const { return std::ranges::find(extras_, extra) != extras_.end(); }
  bool measures() const;
  Update<T> update_of(std::size_t tensor, Range elements) const;
  const T* gradient(const Tensor<T>& tensor) const;
  template <class F>
  void for_pieces(const Team& team, F&& f) const;
  void add_squares(std::size_t tensor, Range elements, Index chunk);
  void find_scales();
  void update(std::size_t tensor, Range elements, Index chunk);
  void settle(const Tensor<T>& tensor, Range elements) const;
  void use_sums();

  int rule_;
  std::vector<Extra> extras_;
  std::vector<std::string_view> hyper_names_;
  std::vector<Tensor<T>> tensors_;
  std::vector<Index> first_chunk_;  // of each tensor, and the number of all
  std::vector<Group> groups_;
  std::vector<std::size_t> group_;  // of each tensor
  // Of one step.
  std::array<double, max_hyper> hyper_{};
  std::array<double, extra_kinds> now_{};
  std::vector<std::array<double, max_sums>> sums_;  // of each chunk
  std::vector<double> scale_, factor_;              // of each tensor
};

}  // namespace fastopt
