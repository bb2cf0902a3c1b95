// Training together with other processes, each of which has some shards of every batch.
#pragma once

#include "nn/network.h"

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

// Numbers that layers measure of each shard, for all shards of a batch.
template <class T>
Index measured_size(const Plan<T>& plan, const Others<T>& others);

// Adds to the totals what was found of the shards of a batch, here and elsewhere; false where the run is to end. For
// rank 0.
template <class T>
bool agree(const Others<T>& others, const Shards& shards, std::span<Totals> here, bool stops, Totals& totals);

// The gradient of a batch, of all processes.
template <class T>
class Union {
 public:
  // Where there are others.
  Union(Network<T>& network, const Others<T>* others);

  // Leaves it in the gradients of the network, or this process's own part of it. A barrier must be before it and after
  // it.
  void operator()(const Team& team, Runner<T>& runner, const Pass<T>& pass, bool whole);

 private:
  T* sum(Index place) { return first_ + place * network_.plan.parameters; }

  Network<T>& network_;
  const Others<T>* others_;
  Buffer<T> sums_;
  T* first_;
};

}  // namespace fastopt
