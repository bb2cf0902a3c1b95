#include "train/by_hand.h"

#include <stdexcept>

namespace fastopt {

template <class T>
void forward(Network<T>& network, std::span<const Samples> x, std::span<T* const> outputs, const Poll& poll) {
  const Index rows = x.front().rows;
  network.forward_rows = 0;
  network.training.reserve(network.plan, {true, network.noise > 0}, {.rows = rows, .gradients = true});
  Watch watch(poll);
  Pass<T> pass = network.pass(network.training, {.ends = Task::Ends::outputs}, watch);
  pass.x = x;
  pass.copies = true;  // the caller may change x before `backward`
  pass.batch = {rows};
  pass.outputs = outputs;
  run_team(threads_for(network.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Runner<T> runner(team, pass, rows > network.training.slab_rows());
    runner.prepare();
    team.barrier();
    runner.run();
  });
  if (!watch.stopped()) {
    network.forward_rows = rows;
    ++network.draws;
  }
}

template <class T>
bool backward(Network<T>& network, Index rows, std::span<const T* const> dy, std::span<T* const> dx, const Poll& poll) {
  if (rows != network.forward_rows) {
    return false;
  }
  network.forward_rows = 0;
  if (network.training.table() != &kernel_table()) {
    throw std::runtime_error("the instruction set was changed after the forward pass: call model(x) again");
  }
  Watch watch(poll);
  Pass<T> pass = network.pass(
      network.training, {.forward = false, .ends = Task::Ends::given, .gradients = true, .to_inputs = true}, watch);
  pass.batch = {rows};
  pass.dy = dy;
  pass.dx = dx;
  StoreSink<T> sink(network.gradients.data(), watch, 2 * static_cast<double>(rows));
  run_team(threads_for(2 * network.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Runner<T> runner(team, pass);
    runner.prepare();
    team.barrier();
    runner.run();
    team.barrier();
    runner.differentiate(sink);
  });
  return true;
}

template void forward(Network<float>&, std::span<const Samples>, std::span<float* const>, const Poll&);
template void forward(Network<double>&, std::span<const Samples>, std::span<double* const>, const Poll&);
template bool backward(Network<float>&, Index, std::span<const float* const>, std::span<float* const>, const Poll&);
template bool backward(Network<double>&, Index, std::span<const double* const>, std::span<double* const>, const Poll&);

}  // namespace fastopt
