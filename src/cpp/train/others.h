// Training together with other processes, each of which has some shards of every batch.
#pragma once

#include "nn/network.h"
#include "optim/state.h"

namespace fastopt {

// How the batches of an epoch are cut, and what tells the others of what is found here.
template <class T>
struct Others {
  std::span<const Index> rows;  // of each shard of each batch
  Index shards;                 // of a batch
  Index first, count;           // those of this process
  bool joins;                   // as in `Shards`
  const Exchange<T>* exchange;

  Index batches() const { return std::ssize(rows) / shards; }
  Shards of(Index batch) const {
    return {rows.subspan(static_cast<std::size_t>(batch * shards), static_cast<std::size_t>(shards)), first, count,
            joins};
  }
  // The rows that this process has of the batches before one, and the most that it has of one.
  Index before(Index batch) const;
  Index most() const;
};

// Arithmetic operations in the time in which processes meet, at least.
inline constexpr double meeting_cost = 1e5;

// Numbers that layers measure of each shard, for all shards of a batch.
template <class T>
Index measured_size(const Plan<T>& plan, const Others<T>& others);

// Adds to the totals what was found of the shards of a batch, here and elsewhere; false where the run is to end. For
// rank 0.
template <class T>
bool agree(const Others<T>& others, const Shards& shards, std::span<Totals> here, bool stops, Totals& totals);

// The gradient of a batch, of all processes; where they train parameters in common, those that the step changes are
// these as long as this lives, and those of the network afterwards.
template <class T>
class Union {
 public:
  // Where there are others; they train in common if they may and can.
  Union(Network<T>& network, State<T>& optimizer, const Others<T>* others, Watch& watch, bool in_common);
  ~Union();
  Union(const Union&) = delete;
  Union& operator=(const Union&) = delete;

  bool in_common() const { return common_ != nullptr; }
  T* parameters() const { return common_ ? common_->parameters : network_.parameters.data(); }
  // Leaves it in the gradients of the network, or this process's own part of it, or in common what it is the sum of. A
  // barrier must be before it and after it.
  void operator()(const Team& team, Runner<T>& runner, const Pass<T>& pass, bool whole);
  // In common, finds some of the own part of it, which nobody else reads, where the step takes it from.
  void add(Range part) const;

 private:
  T* sum(Index place) { return first_ + place * network_.plan.parameters; }
  // Lets the step go on elsewhere.
  void move(const T* parameters, T* to, const T* gradients, const T* from);

  Network<T>& network_;
  State<T>& optimizer_;
  const Others<T>* others_;
  const Common<T>* common_ = nullptr;
  std::vector<std::pair<T*, const T*>> adds_;  // sums, and what is added to each, one after the other
  Buffer<T> sums_;
  T* first_;
};

}  // namespace fastopt
