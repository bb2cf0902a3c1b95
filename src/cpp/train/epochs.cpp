#include "train/epochs.h"

#include <chrono>

#include "runtime/random.h"
#include "train/evaluate.h"

namespace fastopt {

template <class T>
Outcome train(Network<T>& network, State<T>& optimizer, const Epochs<T>& epochs, std::vector<Lap>& laps, Totals& totals,
              std::string& lost) {
  using Clock = std::chrono::steady_clock;
  const Batch& own = epochs.each.samples;
  std::vector<Index> order(epochs.shuffle ? static_cast<std::size_t>(own.rows) : 0);
  bool stopped = false;
  const Poll poll = [&](Index done) { return !(stopped = !epochs.each.poll(done)); };
  for (Index i = 0; i < epochs.count; ++i) {
    const auto start = Clock::now();
    Batch samples = own;
    if (epochs.shuffle) {
      random_permutation(epochs.seed, epochs.stream + static_cast<std::uint64_t>(i), own.rows, order.data());
      for (Index& row : order) {
        row = own.index ? own.index[row] : row;
      }
      samples.index = order.data();
    }
    totals = {};
    const Outcome outcome = train<T>(network, optimizer,
                                     {.x = epochs.each.x,
                                      .objective = epochs.each.objective,
                                      .hyper = epochs.each.hyper,
                                      .samples = samples,
                                      .batch_size = epochs.each.batch_size,
                                      .first_batch = 0,
                                      .batches = epochs.each.batches,
                                      .poll = poll},
                                     totals);
    lost = spoilt(network, optimizer, true);
    if (outcome != Outcome::finished || !lost.empty()) {
      return outcome;
    }
    Lap& lap = laps.emplace_back(Lap{totals, std::chrono::duration<double>(Clock::now() - start).count()});
    if (const auto& v = epochs.validation; v && (epochs.number + i + 1) % v->every == 0) {
      evaluate<T>(network, v->x, v->samples, v->objective, v->batch_size, poll, lap.validation.emplace());
      lap.whole = !stopped;
    }
    if (stopped) {
      return Outcome::stopped;
    }
  }
  return Outcome::finished;
}

template Outcome train(Network<float>&, State<float>&, const Epochs<float>&, std::vector<Lap>&, Totals&, std::string&);
template Outcome train(Network<double>&, State<double>&, const Epochs<double>&, std::vector<Lap>&, Totals&,
                       std::string&);

}  // namespace fastopt
