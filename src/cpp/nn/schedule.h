// In which order the phases of a plan run, as data: stages, between which the team meets.
#pragma once

#include <string>
#include <vector>

#include "nn/plan.h"

namespace fastopt {

// Whose values a node's inputs are, and who uses its own.
struct Wire {
  struct Use {
    Index node;         // -1: an output of the network
    std::size_t input;  // of the node, or the number of the output
  };
  bool computes;
  std::vector<Index> sources;  // of its inputs: nodes that compute, or inputs of the network
  std::vector<Use> uses;
};
struct Wiring {
  std::vector<Wire> nodes;
  std::vector<Index> outputs;  // the nodes whose values they are

  const Wire& operator[](Index node) const { return nodes[static_cast<std::size_t>(node)]; }
};

template <class T>
Wiring make_wiring(const Plan<T>& plan, Mode mode);

// What a pass does.
struct Task {
  enum class Ends : std::uint8_t { outputs, objective, given };
  bool forward = true;
  Ends ends = Ends::outputs;  // what is done with the outputs: handed out, judged, or their gradient is given
  bool gradients = false;     // going back as well
  bool to_inputs = false;     // as far as the inputs of the network
  bool asks = false;          // the objective has a loss that the caller computes
  // Nodes whose values a loss takes before their activation, and others after it.
  std::vector<Index> splits = {};

  bool operator==(const Task&) const = default;
};

// One thing to do, over rows but for phases that say otherwise.
struct Run {
  enum class Action : std::uint8_t {
    load,      // the samples of an input
    forward,   // a phase of a layer
    activate,  // values of which a loss keeps what they were before
    ask,       // the caller, for what it computes of the outputs; once, by rank 0
    ends,      // what the task says of the outputs
    penalize,  // what the values of layers cost
    sum,       // the gradient of values that are used more than once
    activity,  // adds the gradient of what the values of a layer cost
    backward,
    gradient,
  };
  Action action;
  Index node = -1;
  std::size_t phase = 0;
};

struct Stage {
  Over over;
  std::vector<Run> runs;
  double cost = 0;  // of a row
};

// Barriers are between stages. Those of `prepare` need no rows; those of `gradient` come when the cost is known.
struct Schedule {
  std::vector<Stage> prepare, pass, gradient;
  std::vector<bool> needs;  // the nodes whose values' gradient is computed
};

template <class T>
Schedule make_schedule(const Plan<T>& plan, const Wiring& wiring, Mode mode, Task task);

// One line for each stage: "rows: load 0, forward 1 dense, ..."
template <class T>
std::vector<std::string> describe(const Plan<T>& plan, const Schedule& schedule);

}  // namespace fastopt
