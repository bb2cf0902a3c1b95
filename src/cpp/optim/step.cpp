#include "optim/step.h"

#include <functional>
#include <numeric>

#include "kernels/reduce/args.h"
#include "optim/eigen.h"
#include "runtime/cpu.h"

namespace fastopt {

template <class T>
Step<T>::Step(int rule, std::vector<int> transforms, std::vector<Tensor<T>> tensors)
    : numbers(rule_entry(rule).state.size()),
      rule_(rule),
      entry_(&rule_entry(rule)),
      decay_(static_cast<std::size_t>(std::ranges::find(entry().hyper, "weight_decay") - entry().hyper.begin())),
      transforms_(std::move(transforms)),
      hyper_names_(entry().hyper.begin(), entry().hyper.end()),
      tensors_(std::move(tensors)) {
  for (const int place : transforms_) {
    hyper_names_.push_back(fastopt::transforms[static_cast<std::size_t>(place)].name);
  }
  Index chunks = 0;
  for (const Tensor<T>& tensor : tensors_) {
    first_chunk_.push_back(chunks);
    chunks += chunks_of(tensor.size);
    const auto same = [&](const Group& g) { return g.rate == tensor.rate && g.decay == tensor.decay; };
    const auto group = std::ranges::find_if(groups_, same);
    group_.push_back(static_cast<std::size_t>(group - groups_.begin()));
    if (group == groups_.end()) {
      groups_.push_back({tensor.rate, tensor.decay, {}});
    }
  }
  first_chunk_.push_back(chunks);
  Index memory = 0, sums = chunks;
  for (const Tensor<T>& tensor : tensors_) {
    if (whole(tensor)) {
      takes_matrices_ = true;
      const Sides sides = tensor.sides();
      memory = std::max(memory, matrix_entry().memory(sides));
      sums = std::max(sums, eigen_memory(std::min(sides.longest, std::max(sides.rows, sides.columns))));
      matrix_cost_ += entry().cost ? entry().cost(tensor.sides()) : 0;
    }
  }
  if (takes_matrices_) {
    matrix_memory_ = Buffer<T>(memory);
    room_ = matrix_memory_.data();
    chunk_squares_.resize(static_cast<std::size_t>(sums));
  }
  const bool spares = any_transform<&TransformEntry::spares>();
  if (measures() || entry().sums > 0 || spares) {
    sums_.resize(static_cast<std::size_t>(chunks));
  }
  if (spares) {
    spare_ = Buffer<T>(chunks * chunk_size);
  }
  squares_.resize(tensors_.size());
  norms_.resize(tensors_.size());
  scale_.resize(tensors_.size(), 1);
  factor_.resize(tensors_.size(), 1);
}

template <class T>
Index Step<T>::size() const {
  return std::transform_reduce(tensors_.begin(), tensors_.end(), Index{0}, std::plus<>(),
                               [](const auto& t) { return t.size; });
}

template <class T>
bool Step<T>::by_rows() const {
  return separate() && std::ranges::all_of(transforms_, [](int place) {
           return fastopt::transforms[static_cast<std::size_t>(place)].slot.empty();
         });
}

template <class T>
void Step<T>::run(std::span<const double> hyper, bool flush) {
  begin(hyper);
  run_team(threads_for(elementwise_cost * static_cast<double>(size()) + matrix_cost_), flush, [&](const Team& team) {
    if (looks_ahead()) {
      look_ahead(team);
      team.barrier();
    }
    whole(team);
  });
  end();
}

template <class T>
void Step<T>::begin(std::span<const double> hyper, Index rows) {
  const std::size_t own = entry().hyper.size();
  std::ranges::copy(hyper.first(own), hyper_.begin());
  std::ranges::transform(fastopt::transforms, now_.begin(), &TransformEntry::neutral);
  for (std::size_t i = 0; i < transforms_.size(); ++i) {
    now_[static_cast<std::size_t>(transforms_[i])] = hyper[own + i];
  }
  next_numbers_ = numbers;
  if (entry().advance) {
    entry().advance(hyper_.data(), taken + 1, next_numbers_.data());
  }
  for (Group& group : groups_) {
    std::array<double, max_hyper> h = hyper_;
    h[0] *= group.rate;
    if (decay_ < own) {
      h[decay_] *= group.decay;
    }
    group.coefficients = entry().prepare(h.data(), taken + 1, next_numbers_.data());
  }
  transforms_parameters_ = taken == 0;
  for_each_transform([&]<class X>(std::size_t place) {
    if constexpr (requires(const Chunk<T>& c) { X::after(c); }) {
      transforms_parameters_ |= now_[place] != X::neutral;
    }
  });
  elementwise_ = !ascends() && (accumulates() || !(measures() || masks() || entry().sums > 0 || takes_matrices_));
  rows_ = rows;
  if (held == 0 || held_rows == 0) {
    first_rows = rows;
    held_rows = held * rows;
  }
  // Gradients count by their rows; where all have as many, they are added as they are.
  weight_ = static_cast<double>(rows) / static_cast<double>(first_rows);
  const double all = static_cast<double>(held_rows) + static_cast<double>(rows);
  const double equal = static_cast<double>(held + 1) * static_cast<double>(first_rows);
  std::ranges::fill(scale_, accumulates() ? 1 : equal / all / now<Accumulate>());
}

// The slots that start as the parameters.
template <class T>
void Step<T>::start_slots(const Tensor<T>& t, Range elements) const {
  for (const int place : entry().starts) {
    std::copy(t.parameter + elements.begin, t.parameter + elements.end,
              t.slots[static_cast<std::size_t>(place)] + elements.begin);
  }
}

// What has a slot for copies of the parameters would else never have those of frozen ones.
template <class T>
void Step<T>::copy_frozen() const {
  for (const Tensor<T>& t : tensors_) {
    if (t.frozen) {
      start_slots(t, {0, t.size});
    }
    for_each_transform([&]<class X>(std::size_t place) {
      if constexpr (requires { X::copies; }) {
        if (T* const slot = t.transform_slots[place]; slot && t.frozen) {
          std::copy_n(t.parameter, t.size, slot);
        }
      }
    });
  }
}

template <class T>
void Step<T>::end() {
  if (accumulates()) {
    ++held;
    held_rows += rows_;
  } else {
    if (taken == 0) {
      copy_frozen();
    }
    std::ranges::copy(next_numbers_, numbers.begin());
    if (entry().conclude && entry().sums == 0) {
      entry().conclude(hyper_.data(), taken + 1, nullptr, numbers.data());
    }
    held = held_rows = first_rows = 0;
    ++taken;
  }
}

template <class T>
Update<T> Step<T>::update_of(std::size_t i, Range elements) const {
  const Tensor<T>& t = tensors_[i];
  Update<T> u{.size = elements.size(),
              .parameter = t.parameter + elements.begin,
              .gradient = t.gradient + elements.begin,
              .slots = {},
              .coefficients = groups_[group_[i]].coefficients,
              .decay = hyper_[0] * t.rate * t.decay * now<Decay>()};
  const std::size_t slots = whole(t) ? entry().gathers : entry().others;
  for (std::size_t s = 0; s < slots; ++s) {
    u.slots[s] = t.slots[s] + elements.begin;
  }
  if (whole(t)) {
    u.slots[slots] = room_ + elements.begin;
  }
  return u;
}

template <class T>
void Step<T>::look_ahead(const Team& team) const {
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    kernels<T>().update.look_ahead[static_cast<std::size_t>(rule_)](update_of(i, elements));
  });
}

template <class T>
void Step<T>::undo_look_ahead(const Team& team) const {
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    const T* const theta = tensors_[i].slots[static_cast<std::size_t>(entry().theta)];
    std::copy(theta + elements.begin, theta + elements.end, tensors_[i].parameter + elements.begin);
  });
}

template <class T>
void Step<T>::put_average(bool there) {
  if (!averages() || taken == 0 || there == at_average()) {
    return;
  }
  const UpdateKernels<T>& k = kernels<T>().update;
  const auto kernel = (there ? k.to_average : k.from_average)[static_cast<std::size_t>(rule_)];
  run_team(threads_for(elementwise_cost * static_cast<double>(size())), true, [&](const Team& team) {
    for_pieces(team, [&](std::size_t i, Range elements, Index) {
      Update<T> u = update_of(i, elements);
      u.coefficients = entry().between(numbers.data());
      kernel(u);
    });
  });
  numbers.back() = there ? 1 : 0;
}

// What the step follows: the sum of gradients where they are accumulated.
template <class T>
const T* Step<T>::gradient(const Tensor<T>& tensor) const {
  const T* const sum = slot<Accumulate>(tensor);
  return sum ? sum : tensor.gradient;
}

template <class T>
void Step<T>::whole(const Team& team) {
  if (measures() && !accumulates()) {
    for_pieces(team, [&](std::size_t i, Range elements, Index chunk) { add_squares(i, elements, chunk); });
    team.barrier();
    if (team.rank() == 0) {
      find_factors();
    }
    team.barrier();
  }
  for_pieces(team, [&](std::size_t i, Range elements, Index chunk) {
    if (accumulates() || !whole(tensors_[i])) {
      update(i, elements, chunk, tensors_[i].gradient);
    }
  });
  if (accumulates()) {
    return;
  }
  if (takes_matrices_) {
    take_matrices(team);
  }
  if (entry().sums == 0 && !masks()) {
    return;
  }
  team.barrier();
  if (team.rank() == 0) {
    use_sums();
  }
  if (!entry().finishes && !masks()) {
    return;
  }
  team.barrier();
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    if (masks()) {
      finish_masked(i, elements);
    } else {
      finish(i, elements, factor_[i]);
    }
  });
}

template <class T>
void Step<T>::finish(std::size_t i, Range elements, double factor) const {
  Update<T> u = update_of(i, elements);
  if (whole(tensors_[i])) {
    u.slots[0] = u.slots[entry().gathers];  // the room
  }
  u.coefficients[tensor_factor] = factor;
  kernels<T>().update.finish[static_cast<std::size_t>(rule_)](u);
  settle(tensors_[i], u);
}

template <class T>
void Step<T>::add_squares(std::size_t i, Range elements, Index chunk) {
  const Tensor<T>& t = tensors_[i];
  T* const sum = slot<Accumulate>(t);
  for (Index begin = elements.begin; begin < elements.end; begin += chunk_size, ++chunk) {
    const Index size = std::min(chunk_size, elements.end - begin);
    if (sum) {
      Accumulate::add(kernels<T>().update, t.gradient + begin, sum + begin, size, weight_);
    }
    sums_[static_cast<std::size_t>(chunk)][0] = kernels<T>().reduce.sum_of_squares(gradient(t) + begin, size);
  }
}

template <class T>
void Step<T>::find_factors() {
  find_norms([&](const Tensor<T>& t, Index k) { return gradient(t)[k]; });
  for_each_transform([&]<class X>(std::size_t place) {
    if constexpr (requires { &X::limit; }) {
      X::limit(now_[place], {squares_, norms_, scale_});
    }
  });
}

// f.operator()<Transform>(chunk) for the transforms that do something in this step.
template <class T>
template <class F>
void Step<T>::transform(const Tensor<T>& t, const Update<T>& u, F&& f) const {
  Chunk<T> c{.kernels = kernels<T>().update,
             .size = u.size,
             .parameter = u.parameter,
             .start = looks_ahead() ? u.slots[static_cast<std::size_t>(entry().theta)] : u.parameter,
             .slot = nullptr,
             .value = 0,
             .decay_rate = hyper_[0] * t.rate * t.decay};
  for_each_transform([&]<class X>(std::size_t place) {
    T* const slot = t.transform_slots[place];
    c.slot = slot ? slot + (u.parameter - t.parameter) : nullptr;
    c.value = now_[place];
    f.template operator()<X>(c);
  });
}

template <class T>
void Step<T>::hold(const Tensor<T>& t, Range elements) const {
  Accumulate::add(kernels<T>().update, t.gradient + elements.begin, slot<Accumulate>(t) + elements.begin,
                  elements.size(), weight_);
  if (looks_ahead()) {
    const T* const theta = t.slots[static_cast<std::size_t>(entry().theta)];
    std::copy(theta + elements.begin, theta + elements.end, t.parameter + elements.begin);
  }
}

template <class T>
void Step<T>::update(std::size_t i, Range elements, Index chunk, const T* gradient) {
  const Tensor<T>& t = tensors_[i];
  const UpdateKernels<T>& k = kernels<T>().update;
  const auto rule = static_cast<std::size_t>(rule_);
  const auto kernel = whole(t) ? k.gather[rule] : k.apply[rule];
  if (accumulates()) {
    hold(t, elements);
    return;
  }
  if (taken == 0) {
    start_slots(t, elements);
  }
  T* const sum = slot<Accumulate>(t);
  Adjust<T> adjust{.size = 0,
                   .parameter = nullptr,
                   .gradient = nullptr,
                   .to = nullptr,
                   .scale = scale_[i],
                   .limit = ClipValue::neutral,
                   .l1 = 0,
                   .l2 = 0};
  if (!transforms_.empty()) {
    for_each_transform([&]<class X>(std::size_t place) {
      if constexpr (requires { X::adjust(0.0, adjust, 1.0); }) {
        X::adjust(now_[place], adjust, t.decay);
      }
    });
  }
  const bool adjusts =
      sum || adjust.scale != 1 || adjust.limit < ClipValue::neutral || adjust.l1 != 0 || adjust.l2 != 0;
  if (!adjusts && !transforms_parameters_ && entry().sums == 0 && !masks()) {
    Update<T> u = update_of(i, elements);
    u.gradient = gradient + elements.begin;
    kernel(u);
    return;
  }
  alignas(alignment) T adjusted[chunk_size];
  for (Index begin = elements.begin; begin < elements.end; begin += chunk_size, ++chunk) {
    const Range part{begin, std::min(begin + chunk_size, elements.end)};
    Update<T> u = update_of(i, part);
    u.gradient = gradient + begin;
    if (sum && !measures()) {
      Accumulate::add(k, u.gradient, sum + begin, part.size(), weight_);
    }
    if (adjusts) {
      adjust.size = part.size();
      adjust.parameter = u.parameter;
      adjust.gradient = (sum ? sum : gradient) + begin;
      adjust.to = adjusted;
      k.adjust(adjust);
      u.gradient = adjusted;
    }
    if (sum) {
      std::fill_n(sum + begin, part.size(), T(0));
    }
    if (taken == 0) {
      transform(t, u, [&]<class X>(const Chunk<T>& c) {
        if constexpr (requires { X::first(c); }) {
          if (c.slot) {
            X::first(c);
          }
        }
      });
    }
    if (entry().sums > 0) {
      u.sums = &sums_[static_cast<std::size_t>(chunk)];
    }
    if (masks()) {
      mask(i, u, chunk);
      continue;
    }
    kernel(u);
    if (!entry().finishes && !whole(t)) {
      settle(t, u);
    }
  }
}

// What follows the rule.
template <class T>
void Step<T>::settle(const Tensor<T>& t, const Update<T>& u) const {
  transform(t, u, [&]<class X>(const Chunk<T>& c) {
    if constexpr (requires { X::after(c); }) {
      if (c.value != X::neutral) {
        X::after(c);
      }
    }
  });
}

template class Step<float>;
template class Step<double>;

}  // namespace fastopt
