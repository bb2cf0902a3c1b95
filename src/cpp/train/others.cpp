#include "train/others.h"

#include <algorithm>

namespace fastopt {

namespace {

// Adds each part to a sum while it is in cache; or, where the sum is where it is computed, leaves it there.
template <class T>
class AddSink final : public Sink<T> {
 public:
  AddSink(T* gradients, T* sum) : Sink<T>(gradients), sum_(sum) {}

  void take(const Team&, Range part) override {
    if (sum_ != this->gradients()) {
      kernels<T>().update.add(this->gradients() + part.begin, sum_ + part.begin, part.size());
    }
  }

 private:
  T* sum_;
};

// The numbers of totals that are sums over samples.
template <class F>
void for_each_sum(Totals& totals, F&& f) {
  f(totals.weight);
  f(totals.loss);
  std::ranges::for_each(totals.losses, f);
  std::ranges::for_each(totals.metrics, f);
}

}  // namespace

template <class T>
Index Others<T>::before(Index batch) const {
  Index sum = 0;
  for (Index i = 0; i < batch; ++i) {
    sum += of(i).here();
  }
  return sum;
}

template <class T>
Index Others<T>::most() const {
  Index most = 0;
  for (Index i = 0; i < batches(); ++i) {
    most = std::max(most, of(i).here());
  }
  return most;
}

template <class T>
Index measured_size(const Plan<T>& plan, const Others<T>& others) {
  Index most = 0;
  for (const Node<T>& node : plan.nodes) {
    most = std::max(most, node.layer.measures);
  }
  return most * others.shards;
}

template <class T>
bool agree(const Others<T>& others, const Shards& shards, std::span<Totals> here, bool stops, Totals& totals) {
  std::vector<double> numbers;
  Index size = 0;
  for_each_sum(totals, [&](double&) { ++size; });
  numbers.resize(static_cast<std::size_t>(others.shards * size));
  auto next = numbers.begin() + others.first * size;
  for (Totals& shard : here) {
    for_each_sum(shard, [&](double& value) { *next++ = value; });
  }
  if (!others.exchange->agree(numbers.data(), size, stops)) {
    return false;
  }
  totals.batches += 1;
  totals.samples += shards.all();
  next = numbers.begin();
  for (Index i = 0; i < others.shards; ++i) {
    for_each_sum(totals, [&](double& value) { value += *next++; });
  }
  return true;
}

template <class T>
Union<T>::Union(Network<T>& network, State<T>& optimizer, const Others<T>* others, Watch& watch, bool in_common)
    : network_(network),
      optimizer_(optimizer),
      others_(others),
      sums_(others && others->count > 1 && !others->exchange->sums
                ? checked_product(Blocks::most(others->first, others->count), network.plan.parameters)
                : 0),
      first_(sums_.size() > 0                   ? sums_.data()
             : others && others->exchange->sums ? others->exchange->sums
                                                : network.gradients.data()) {
  if (!others || !others->exchange->common || !in_common) {
    return;
  }
  const Exchange<T>& exchange = *others->exchange;
  const Common<T>& common = *exchange.common;
  watch.ask([&] {
    const auto meet = [&] { return exchange.meet("parameters in common", watch.stopped(), true); };
    if (!meet()) {  // until the others have what is there
      return false;
    }
    std::copy_n(network.parameters.data() + exchange.own.begin, exchange.own.size(),
                common.parameters + exchange.own.begin);
    return meet();
  });
  if (watch.stopped()) {
    return;
  }
  common_ = &common;
  Blocks blocks;
  std::vector<T*> sums;
  const auto add_last = [&](std::size_t to) {
    adds_.emplace_back(sums[to], sums.back());
    sums.pop_back();
  };
  for (const auto& [shards, values] : common.sums) {
    blocks.push(shards);
    sums.push_back(values);
    while (blocks.join()) {
      add_last(sums.size() - 2);
    }
  }
  std::reverse(sums.begin() + 1, sums.end());
  while (sums.size() > 1) {
    add_last(0);
  }
  move(network.parameters.data(), common.parameters, network.gradients.data(), sums.front());
}

template <class T>
Union<T>::~Union() {
  if (common_) {
    std::copy_n(common_->parameters, network_.plan.parameters, network_.parameters.data());
    move(common_->parameters, network_.parameters.data(), common_->sums.front().second, network_.gradients.data());
  }
}

template <class T>
void Union<T>::move(const T* parameters, T* to, const T* gradients, const T* from) {
  for (Tensor<T>& tensor : optimizer_.step().tensors()) {
    tensor.parameter = to + (tensor.parameter - parameters);
    tensor.gradient = from + (tensor.gradient - gradients);
  }
}

template <class T>
void Union<T>::add(Range part) const {
  for (const auto& [to, from] : adds_) {
    kernels<T>().update.add(from + part.begin, to + part.begin, part.size());
  }
}

template <class T>
void Union<T>::operator()(const Team& team, Runner<T>& runner, const Pass<T>& pass, bool whole) {
  const Index size = network_.plan.parameters;
  Blocks blocks;
  for (Index i = 0; i < others_->count; ++i) {
    const bool adds = blocks.push(others_->first + i);
    T* const to = sum(blocks.count() - 1);
    AddSink<T> sink(adds ? network_.gradients.data() : to, to);
    runner.differentiate(sink, pass.shards->of(i));
    team.barrier();
    while (blocks.join()) {
      const Range mine = team.split(size, alignment);
      kernels<T>().update.add(sum(blocks.count()) + mine.begin, sum(blocks.count() - 1) + mine.begin, mine.size());
      team.barrier();
    }
  }
  if (team.rank() == 0) {
    const Exchange<T>& exchange = *others_->exchange;
    T* const total = network_.gradients.data();
    pass.watch.ask([&] {
      return exchange.meet("sum", pass.watch.stopped(), true) &&
             (common_ ||
              (exchange.unite(sum(0), blocks.count(), size, total) && (!whole || exchange.spread(total, size))));
    });
  }
  team.barrier();
  differentiate_parameters(team, network_.plan, pass.parameters, network_.gradients.data());
}

template struct Others<float>;
template struct Others<double>;
template Index measured_size(const Plan<float>&, const Others<float>&);
template Index measured_size(const Plan<double>&, const Others<double>&);
template bool agree(const Others<float>&, const Shards&, std::span<Totals>, bool, Totals&);
template bool agree(const Others<double>&, const Shards&, std::span<Totals>, bool, Totals&);
template class Union<float>;
template class Union<double>;

}  // namespace fastopt
