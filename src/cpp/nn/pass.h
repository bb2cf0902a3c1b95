// A pass of a batch through a plan: forward, and back. It owns nothing.
#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "nn/objective.h"
#include "nn/regularize.h"
#include "nn/shards.h"
#include "runtime/watch.h"

namespace fastopt {

template <class T>
struct Pass {
  const Plan<T>& plan;
  Memory<T>& memory;
  const Schedule& schedule;
  Task task;
  const T* parameters;
  T* state;
  Watch& watch;
  std::int64_t draws = 0;  // passes in training before: with the seed they decide the random numbers
  double noise = 1;        // the part of their noise that layers add
  // The samples of each input, of which the batch takes some; none: those that were copied by the pass before.
  std::span<const Samples> x = {};
  std::span<const Augment<T>> augment = {};  // of each input, or none
  bool copies = false;                       // samples that could be read in place
  Batch batch = {};
  bool all = false;                // the batch is all samples that there are
  Index before = 0;                // rows that went through before, where this is a part of a batch
  const Shards* shards = nullptr;  // where this is what one process has of a batch
  T* measured = nullptr;           // of each shard, as many numbers as a layer measures at most
  const Exchange<T>* exchange = nullptr;
  Index done = 0;                           // batches before, which the watch is told
  const Objective<T>* objective = nullptr;  // where the task asks for it
  Index samples = 0;                        // over which the gradient is a mean; 0: the rows of the batch
  std::span<const T* const> dy = {};        // the gradients of the outputs, where they are given
  std::span<T* const> dx = {};              // where those of the inputs go
  std::span<T* const> outputs = {};         // where the outputs go, sample by sample
  const T* direction = nullptr;             // laid out as the parameters, in a mode with derivatives along it
  bool linearized = false;                  // these go back as if the network were linear
  bool known = false;  // the memory has the values of these rows already, for the direction alone is another

  Index over() const { return samples > 0 ? samples : batch.rows; }
};

// One rank's part of the work for a pass, of which another batch, with the numbers of passes and batches before it, may
// be set between two calls.
template <class T>
class Runner {
 public:
  // It keeps what stays the same from batch to batch, which pays for more than one, or for going back.
  Runner(const Team& team, const Pass<T>& pass, bool keeps = true);

  // What the phases need of the parameters. A barrier must follow.
  void prepare();
  // The batch through all stages, as far as the gradients of the layers' outputs. A barrier must follow.
  void run();
  // Or some rows of it by this rank alone, where no stage but the first is needed.
  void run_rows(Range rows);
  // The gradients of the parameters, part by part. A barrier must follow.
  void differentiate(Sink<T>& sink);
  // Those of some rows of the batch, without what the parameters cost.
  void differentiate(Sink<T>& sink, Range rows);

 private:
  using Action = Run::Action;
  struct Side {
    View<T> view{};
    In<T> in{};  // what the view has of inputs: one, or
    std::vector<In<T>> several{};

    std::span<In<T>> inputs() { return several.empty() ? std::span<In<T>>(&in, 1) : std::span<In<T>>(several); }
    void move(Index rows);
  };
  struct Place {  // of a node that computes
    Side values;
    std::unique_ptr<Side> along{};  // where there are derivatives along a direction
    Index first = 0;                // row of the batch, where those of the views begin
  };

  static std::size_t at(Index node) { return static_cast<std::size_t>(node); }
  const Wire& wire(Index node) const { return p_.memory.wiring()[node]; }
  Augment<T> augment(std::size_t input) const { return p_.augment.empty() ? Augment<T>{} : p_.augment[input]; }
  bool in_place(std::size_t input) const {
    return !p_.x.empty() && !p_.copies && !augment(input).how && p_.plan.centers[input] < 0 &&
           readable_in_place<T>(p_.x[input]);
  }
  // Whether sparse samples are read as such: by all who use them.
  bool sparse(std::size_t input) const {
    return !p_.x.empty() && p_.x[input].sparse() && !p_.copies && arena_.along == 0 && p_.plan.centers[input] < 0 &&
           std::ranges::all_of(
               wire(static_cast<Index>(input)).uses,
               [&](const Wire::Use& use) { return use.node >= 0 && p_.plan.node(use.node).layer.reads_sparse; });
  }
  void load(std::size_t input, Range rows);
  Rows<const T> values(Index node, Index first) const;
  void read(In<T>& in, Index source, Index first) const;
  Rows<T> gradient(Index node, Index first) const;
  bool logits(Index node) const;
  void set_up(Index node, Place& place) const;
  void set_up_along(Index node, Place& place) const;
  const View<T>& view(Index node, Range rows, Sink<T>* sink);

  void slabs(const Stage& stage, Range rows);
  void one(const Run& run, Range rows);
  void phase(const Team& team, const Run& run, Range rows, Sink<T>* sink);
  const Phase<T>& phase_of(const Run& run) const;
  void join(const Run& run);
  void activate_along(const Run& run, Range rows);
  void ends(Range rows);
  void split(Index node, Range rows);
  bool takes_logits(const Wire::Use& use) const;
  void sum(Index node, Range rows);

  const Team& team_;
  const Pass<T>& p_;
  Arena<T>& arena_;
  Buffer<T> memory_;           // in which samples are changed
  std::vector<Place> places_;  // of the nodes that are no inputs; or none, and
  Place place_;                // made anew for each phase
};

// What the parameters and the values of layers cost, as they were measured last, for some rows of the batch.
template <class T>
double penalty(const Pass<T>& pass, Range rows);
template <class T>
double penalty(const Pass<T>& pass) {
  return penalty(pass, {0, pass.batch.rows});
}

}  // namespace fastopt
