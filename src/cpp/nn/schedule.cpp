#include "nn/schedule.h"

#include <algorithm>

namespace fastopt {

template <class T>
Wiring make_wiring(const Plan<T>& plan, Mode mode) {
  Wiring wiring{std::vector<Wire>(plan.nodes.size()), {}};
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    Wire& wire = wiring.nodes[i];
    wire.computes = plan.nodes[i].computes(mode);
    for (std::size_t input = 0; input < plan.nodes[i].inputs.size(); ++input) {
      const Index source = plan.source(plan.nodes[i].inputs[input], mode);
      wire.sources.push_back(source);
      if (wire.computes) {
        wiring.nodes[static_cast<std::size_t>(source)].uses.push_back({static_cast<Index>(i), input});
      }
    }
  }
  for (std::size_t output = 0; output < plan.outputs.size(); ++output) {
    wiring.outputs.push_back(plan.source(plan.outputs[output], mode));
    wiring.nodes[static_cast<std::size_t>(wiring.outputs.back())].uses.push_back({-1, output});
  }
  return wiring;
}

namespace {

// Adds to the last stage what can be done together with it.
void add(std::vector<Stage>& stages, Over over, Run run, double cost = 0) {
  if (stages.empty() || stages.back().over != over) {
    stages.push_back({over, {}});
  }
  stages.back().runs.push_back(run);
  stages.back().cost += cost;
}

// Whether one of a node's inputs needs a gradient.
bool leads_on(const Wire& wire, const std::vector<bool>& needs) {
  return std::ranges::any_of(wire.sources, [&](Index source) { return needs[static_cast<std::size_t>(source)]; });
}

// The nodes whose gradient somebody needs: their parameters, or those of a node before them.
template <class T>
std::vector<bool> needed(const Plan<T>& plan, const Wiring& wiring, bool to_inputs) {
  std::vector<bool> needs;
  needs.reserve(plan.nodes.size());
  for (Index i = 0; i < static_cast<Index>(plan.nodes.size()); ++i) {
    needs.push_back(i < plan.inputs ? to_inputs : plan.learns(i) || leads_on(wiring[i], needs));
  }
  return needs;
}

}  // namespace

template <class T>
Schedule make_schedule(const Plan<T>& plan, const Wiring& wiring, Mode mode, Task task) {
  using Action = Run::Action;
  Schedule schedule{{}, {}, {}, needed(plan, wiring, task.to_inputs)};
  const auto nodes = static_cast<Index>(plan.nodes.size());
  // f(node, number of the phase, what it is over) for the phases of a node.
  const auto for_each_phase = [&](Index node, std::vector<Phase<T>> Phases<T>::* list, auto&& f) {
    if (wiring[node].computes) {
      const std::vector<Phase<T>>& phases = plan.node(node).phases(mode).*list;
      for (std::size_t i = 0; i < phases.size(); ++i) {
        f(i, phases[i].over);
      }
    }
  };

  std::vector<Stage> before_backward;
  for (Index i = 0; i < nodes; ++i) {
    for_each_phase(i, &Phases<T>::forward, [&](std::size_t phase, Over over) {
      if (over == Over::parameters) {
        add(schedule.prepare, over, {Action::forward, i, phase});
      }
    });
    for_each_phase(i, &Phases<T>::backward, [&](std::size_t phase, Over over) {
      if (over == Over::parameters && task.gradients && leads_on(wiring[i], schedule.needs)) {
        add(before_backward, over, {Action::backward, i, phase});
      }
    });
  }
  schedule.prepare.insert(schedule.prepare.end(), before_backward.begin(), before_backward.end());

  for (Index i = 0; task.forward && i < nodes; ++i) {
    if (i < plan.inputs) {
      add(schedule.pass, Over::rows, {Action::load, i});
    }
    for_each_phase(i, &Phases<T>::forward, [&](std::size_t phase, Over over) {
      if (over != Over::parameters) {
        add(schedule.pass, over, {Action::forward, i, phase}, over == Over::rows ? plan.node(i).layer.cost : 0);
      }
    });
    if (std::ranges::find(task.splits, i) != task.splits.end()) {
      add(schedule.pass, Over::rows, {Action::activate, i});
    }
  }
  if (task.asks) {
    add(schedule.pass, Over::once, {Action::ask});
  }
  add(schedule.pass, Over::rows, {Action::ends});
  if (task.ends == Task::Ends::objective && plan.penalizes_values()) {
    add(schedule.pass, Over::rows, {Action::penalize});
  }
  for (Index i = nodes; task.gradients && i-- > 0;) {
    if (!schedule.needs[static_cast<std::size_t>(i)] || !(i < plan.inputs || wiring[i].computes)) {
      continue;
    }
    if (wiring[i].uses.size() > 1) {
      add(schedule.pass, Over::rows, {Action::sum, i});
    }
    if (plan.node(i).activity.any()) {
      add(schedule.pass, Over::rows, {Action::activity, i});
    }
    for_each_phase(i, &Phases<T>::backward, [&](std::size_t phase, Over over) {
      if (over != Over::parameters &&
          (leads_on(wiring[i], schedule.needs) || (over == Over::columns && plan.learns(i)))) {
        add(schedule.pass, over, {Action::backward, i, phase}, over == Over::rows ? 2 * plan.node(i).layer.cost : 0);
      }
    });
  }

  for (const Over which : {Over::columns, Over::parameters}) {
    for (Index i = nodes; task.gradients && i-- > 0;) {
      for_each_phase(i, &Phases<T>::gradient, [&](std::size_t phase, Over over) {
        if (over == which && plan.node(i).trainable) {
          add(schedule.gradient, over, {Action::gradient, i, phase});
        }
      });
    }
  }
  return schedule;
}

template <class T>
std::vector<std::string> describe(const Plan<T>& plan, const Schedule& schedule) {
  static constexpr const char* overs[] = {"parameters", "columns", "rows", "once"};
  static constexpr const char* actions[] = {"load",     "forward", "activate", "ask",      "ends",
                                            "penalize", "sum",     "activity", "backward", "gradient"};
  std::vector<std::string> lines;
  for (const std::vector<Stage>* stages : {&schedule.prepare, &schedule.pass, &schedule.gradient}) {
    for (const Stage& stage : *stages) {
      std::string line = overs[static_cast<std::size_t>(stage.over)];
      line += ":";
      for (const Run& run : stage.runs) {
        line += line.back() == ':' ? " " : ", ";
        line += actions[static_cast<std::size_t>(run.action)];
        if (run.node >= 0) {
          line += " ";
          line += std::to_string(run.node);
          line += " ";
          line += plan.node(run.node).kind;
        }
      }
      lines.push_back(line);
    }
  }
  return lines;
}

template Wiring make_wiring(const Plan<float>&, Mode);
template Wiring make_wiring(const Plan<double>&, Mode);
template Schedule make_schedule(const Plan<float>&, const Wiring&, Mode, Task);
template Schedule make_schedule(const Plan<double>&, const Wiring&, Mode, Task);
template std::vector<std::string> describe(const Plan<float>&, const Schedule&);
template std::vector<std::string> describe(const Plan<double>&, const Schedule&);

}  // namespace fastopt
