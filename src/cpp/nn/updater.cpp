#include "nn/updater.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/buffer.h"
#include "kernels/reduce/args.h"
#include "kernels/update/args.h"
#include "runtime/cpu.h"

namespace fastopt {

namespace {

// Elements that stay in the first-level cache from one operation on them to the next, and over which sums are taken.
constexpr Index chunk_size = 1024;

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

const std::array<ExtraEntry, extra_kinds>& extras() {
  static constexpr std::array<ExtraEntry, extra_kinds> list{{{"every", "gradient_sum", 1},
                                                             {"clip_norm", "", infinity},
                                                             {"clip_global_norm", "", infinity},
                                                             {"clip_value", "", infinity},
                                                             {"l1", "", 0},
                                                             {"l2", "", 0},
                                                             {"decay", "", 0},
                                                             {"look_back", "slow", 0},
                                                             {"average", "average", 0}}};
  return list;
}

Extra find_extra(std::string_view name) {
  for (std::size_t i = 0; i < extras().size(); ++i) {
    if (extras()[i].name == name) {
      return static_cast<Extra>(i);
    }
  }
  throw std::invalid_argument("nothing that may surround an update rule is named '" + std::string(name) + "'");
}

template <class T>
Updater<T>::Updater(int rule, std::vector<Extra> extras, std::vector<Tensor<T>> tensors)
    : state(rules()[static_cast<std::size_t>(rule)].state.size()),
      rule_(rule),
      extras_(std::move(extras)),
      hyper_names_(entry().hyper.begin(), entry().hyper.end()),
      tensors_(std::move(tensors)) {
  for (const Extra extra : extras_) {
    hyper_names_.push_back(fastopt::extras()[static_cast<std::size_t>(extra)].name);
  }
  Index chunks = 0;
  for (const Tensor<T>& tensor : tensors_) {
    first_chunk_.push_back(chunks);
    chunks += (tensor.size + chunk_size - 1) / chunk_size;
    const auto same = [&](const Group& g) { return g.rate == tensor.rate && g.decays == tensor.decays; };
    const auto group = std::ranges::find_if(groups_, same);
    group_.push_back(static_cast<std::size_t>(group - groups_.begin()));
    if (group == groups_.end()) {
      groups_.push_back({tensor.rate, tensor.decays, {}});
    }
  }
  first_chunk_.push_back(chunks);
  if (measures() || entry().sums > 0) {
    sums_.resize(static_cast<std::size_t>(chunks));
  }
  scale_.resize(tensors_.size(), 1);
  factor_.resize(tensors_.size(), 1);
}

template <class T>
Index Updater<T>::size() const {
  Index size = 0;
  for (const Tensor<T>& tensor : tensors_) {
    size += tensor.size;
  }
  return size;
}

template <class T>
bool Updater<T>::measures() const {
  return has(Extra::clip_norm) || has(Extra::clip_global_norm);
}

template <class T>
bool Updater<T>::by_parts() const {
  return holds() || !(measures() || entry().sums > 0);
}

template <class T>
void Updater<T>::run(std::span<const double> hyper, bool flush) {
  begin(hyper);
  run_team(threads_for(elementwise_cost * static_cast<double>(size())), flush, [&](const Team& team) {
    if (looks_ahead()) {
      look_ahead(team);
      team.barrier();
    }
    whole(team);
  });
  end();
}

template <class T>
void Updater<T>::begin(std::span<const double> hyper) {
  const std::size_t own = entry().hyper.size();
  std::ranges::copy(hyper.first(own), hyper_.begin());
  for (std::size_t i = 0; i < now_.size(); ++i) {
    now_[i] = fastopt::extras()[i].neutral;
  }
  for (std::size_t i = 0; i < extras_.size(); ++i) {
    now_[static_cast<std::size_t>(extras_[i])] = hyper[own + i];
  }
  for (Group& group : groups_) {
    std::array<double, max_hyper> h = hyper_;
    h[0] *= group.rate;
    for (std::size_t i = 0; i < own; ++i) {
      if (entry().hyper[i] == "weight_decay" && !group.decays) {
        h[i] = 0;
      }
    }
    group.coefficients = entry().prepare(h.data(), step + 1, state.data());
  }
  std::ranges::fill(scale_, holds() ? 1 : 1 / now(Extra::every));
}

template <class T>
void Updater<T>::end() {
  if (holds()) {
    ++held;
  } else {
    held = 0;
    ++step;
  }
}

template <class T>
Update<T> Updater<T>::update_of(std::size_t i, Range elements) const {
  const Tensor<T>& t = tensors_[i];
  Update<T> u{.size = elements.size(),
              .parameter = t.parameter + elements.begin,
              .gradient = t.gradient + elements.begin,
              .slots = {},
              .coefficients = groups_[group_[i]].coefficients};
  for (std::size_t s = 0; s < entry().slots.size(); ++s) {
    u.slots[s] = t.slots[s] + elements.begin;
  }
  return u;
}

// f(tensor, elements, number of their first chunk) for what this rank has of every tensor.
template <class T>
template <class F>
void Updater<T>::for_pieces(const Team& team, F&& f) const {
  const Range chunks = team.split(first_chunk_.back());
  auto i = static_cast<std::size_t>(std::ranges::upper_bound(first_chunk_, chunks.begin) - first_chunk_.begin() - 1);
  for (; i < tensors_.size() && first_chunk_[i] < chunks.end; ++i) {
    const Index first = std::max(chunks.begin, first_chunk_[i]), last = std::min(chunks.end, first_chunk_[i + 1]);
    const Range elements{(first - first_chunk_[i]) * chunk_size,
                         std::min((last - first_chunk_[i]) * chunk_size, tensors_[i].size)};
    f(i, elements, first);
  }
}

template <class T>
void Updater<T>::look_ahead(const Team& team) const {
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    kernels<T>().update.look_ahead[static_cast<std::size_t>(rule_)](update_of(i, elements));
  });
}

template <class T>
void Updater<T>::look_back(const Team& team) const {
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    const T* const theta = tensors_[i].slots[static_cast<std::size_t>(entry().theta)];
    std::copy(theta + elements.begin, theta + elements.end, tensors_[i].parameter + elements.begin);
  });
}

// The sum of gradients where they are accumulated.
template <class T>
const T* Updater<T>::gradient(const Tensor<T>& tensor) const {
  const T* const sum = tensor.extra_slots[static_cast<std::size_t>(Extra::every)];
  return sum ? sum : tensor.gradient;
}

template <class T>
void Updater<T>::whole(const Team& team) {
  if (measures() && !holds()) {
    for_pieces(team, [&](std::size_t i, Range elements, Index chunk) { add_squares(i, elements, chunk); });
    team.barrier();
    if (team.rank() == 0) {
      find_scales();
    }
    team.barrier();
  }
  for_pieces(team, [&](std::size_t i, Range elements, Index chunk) { update(i, elements, chunk); });
  if (entry().sums == 0 || holds()) {
    return;
  }
  team.barrier();
  if (team.rank() == 0) {
    use_sums();
  }
  if (!entry().factor) {
    return;
  }
  team.barrier();
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    Update<T> u = update_of(i, elements);
    u.coefficients[tensor_factor] = factor_[i];
    kernels<T>().update.finish[static_cast<std::size_t>(rule_)](u);
    settle(tensors_[i], elements);
  });
}

template <class T>
void Updater<T>::add_squares(std::size_t i, Range elements, Index chunk) {
  const Tensor<T>& t = tensors_[i];
  T* const sum = t.extra_slots[static_cast<std::size_t>(Extra::every)];
  for (Index begin = elements.begin; begin < elements.end; begin += chunk_size, ++chunk) {
    const Index size = std::min(chunk_size, elements.end - begin);
    if (sum) {
      kernels<T>().update.add(t.gradient + begin, sum + begin, size);
    }
    sums_[static_cast<std::size_t>(chunk)][0] = kernels<T>().reduce.sum_of_squares(gradient(t) + begin, size);
  }
}

// Norms are limited one by one first, then that of all.
template <class T>
void Updater<T>::find_scales() {
  const auto limit = [](double& scale, double norm, double most) {
    if (norm > most) {
      scale *= most / norm;
    }
  };
  double all = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    double squares = 0;
    for (Index c = first_chunk_[i]; c < first_chunk_[i + 1]; ++c) {
      squares += sums_[static_cast<std::size_t>(c)][0];
    }
    limit(scale_[i], scale_[i] * std::sqrt(squares), now(Extra::clip_norm));
    all += scale_[i] * scale_[i] * squares;
  }
  double common = 1;
  limit(common, std::sqrt(all), now(Extra::clip_global_norm));
  for (double& scale : scale_) {
    scale *= common;
  }
}

template <class T>
void Updater<T>::update(std::size_t i, Range elements, Index chunk) {
  const Tensor<T>& t = tensors_[i];
  const UpdateKernels<T>& k = kernels<T>().update;
  T* const sum = t.extra_slots[static_cast<std::size_t>(Extra::every)];
  if (holds()) {
    k.add(t.gradient + elements.begin, sum + elements.begin, elements.size());
    if (looks_ahead()) {
      const T* const theta = t.slots[static_cast<std::size_t>(entry().theta)];
      std::copy(theta + elements.begin, theta + elements.end, t.parameter + elements.begin);
    }
    return;
  }
  const double l1 = t.decays ? now(Extra::l1) : 0, l2 = t.decays ? now(Extra::l2) : 0;
  const double decay = t.decays ? now(Extra::decay) * hyper_[0] * t.rate : 0;
  const bool adjusts = sum || scale_[i] != 1 || now(Extra::clip_value) < infinity || l1 != 0 || l2 != 0;
  const auto rule = static_cast<std::size_t>(rule_);
  if (!adjusts && decay == 0 && !has(Extra::average) && !has(Extra::look_back) && entry().sums == 0) {
    k.apply[rule](update_of(i, elements));
    return;
  }
  alignas(alignment) T adjusted[chunk_size];
  for (Index begin = elements.begin; begin < elements.end; begin += chunk_size, ++chunk) {
    const Range part{begin, std::min(begin + chunk_size, elements.end)};
    Update<T> u = update_of(i, part);
    if (sum && !measures()) {
      k.add(u.gradient, sum + begin, part.size());
    }
    if (adjusts) {
      k.adjust({.size = part.size(),
                .parameter = u.parameter,
                .gradient = gradient(t) + begin,
                .to = adjusted,
                .scale = scale_[i],
                .limit = now(Extra::clip_value),
                .l1 = l1,
                .l2 = l2});
      u.gradient = adjusted;
    }
    if (sum) {
      std::fill_n(sum + begin, part.size(), T(0));
    }
    // The step starts from here: where the rule has looked ahead, the parameters are elsewhere.
    T* const start = looks_ahead() ? u.slots[static_cast<std::size_t>(entry().theta)] : u.parameter;
    if (T* const slow = t.extra_slots[static_cast<std::size_t>(Extra::look_back)]; slow && step == 0) {
      std::copy_n(start, part.size(), slow + begin);
    }
    if (decay != 0) {
      k.shrink(start, decay, part.size());
    }
    if (entry().sums > 0) {
      u.sums = &sums_[static_cast<std::size_t>(chunk)];
    }
    k.apply[rule](u);
    if (!entry().factor) {
      settle(t, part);
    }
  }
}

// What follows a step: Lookahead (Zhang et al., 2019), then the average.
template <class T>
void Updater<T>::settle(const Tensor<T>& t, Range elements) const {
  T* const w = t.parameter + elements.begin;
  if (const double part = now(Extra::look_back); part != 0) {
    T* const slow = t.extra_slots[static_cast<std::size_t>(Extra::look_back)] + elements.begin;
    kernels<T>().update.approach(w, slow, part, elements.size());
    std::copy_n(slow, elements.size(), w);
  }
  if (const double part = now(Extra::average); part != 0) {
    kernels<T>().update.approach(w, t.extra_slots[static_cast<std::size_t>(Extra::average)] + elements.begin, part,
                                 elements.size());
  }
}

template <class T>
void Updater<T>::use_sums() {
  std::array<double, max_sums> all{};
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    std::array<double, max_sums> of_tensor{};
    for (Index c = first_chunk_[i]; c < first_chunk_[i + 1]; ++c) {
      for (std::size_t s = 0; s < max_sums; ++s) {
        of_tensor[s] += sums_[static_cast<std::size_t>(c)][s];
      }
    }
    if (entry().factor) {
      factor_[i] = entry().factor(of_tensor.data());
    }
    for (std::size_t s = 0; s < max_sums; ++s) {
      all[s] += of_tensor[s];
    }
  }
  if (entry().conclude) {
    entry().conclude(hyper_.data(), step + 1, all.data(), state.data());
  }
}

template class Updater<float>;
template class Updater<double>;

}  // namespace fastopt
