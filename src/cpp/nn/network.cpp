#include "nn/network.h"

namespace fastopt {

template <class T>
Network<T>::Network(const std::vector<Index>& inputs, const std::vector<LayerSpec>& layers, std::vector<Index> outputs,
                    std::uint64_t seed)
    : plan(make_plan<T>(inputs, layers, std::move(outputs), seed)),
      // One more line at the end, because whole vectors are read at the end of a row.
      parameters(plan.parameters + alignment),
      gradients(plan.parameters + alignment),
      state(plan.state + alignment) {
  for (const Node<T>& node : plan.nodes) {
    trainable.push_back(node.trainable);
  }
}

template <class T>
Pass<T> Network<T>::pass(Memory<T>& memory, const Task& task, Watch& watch) {
  memory.penalties.resize(static_cast<std::size_t>(for_each_penalized(plan, [](const auto&, Index, Index) {})));
  return {.plan = plan,
          .memory = memory,
          .schedule = memory.schedule(plan, task),
          .task = task,
          .parameters = parameters.data(),
          .state = state.data(),
          .watch = watch,
          .draws = draws,
          .noise = noise};
}

template <class T>
void Network<T>::freeze(std::size_t node, bool trained) {
  if (plan.nodes[node].trainable != trained) {
    plan.nodes[node].trainable = trained;
    training.reset();
    inference.reset();
    curvature.reset();
    forward_rows = 0;
  }
}

template <class T>
void Network<T>::freeze() {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    freeze(i, trainable[i]);
  }
}

template <class T>
bool Network<T>::constrains() const {
  bool any = false;
  plan.for_each_learning([&](const TensorSpec& tensor) { any |= tensor.constraint.any(); });
  return any;
}

template <class T>
void Network<T>::constrain() {
  double cost = 0;
  plan.for_each_learning([&](const TensorSpec& tensor) {
    cost += tensor.constraint.any() ? elementwise_cost * static_cast<double>(tensor.size) : 0;
  });
  if (cost > 0) {
    run_team(threads_for(cost), true, [&](const Team& team) { fastopt::constrain(team, plan, parameters.data()); });
  }
}

template struct Network<float>;
template struct Network<double>;

}  // namespace fastopt
