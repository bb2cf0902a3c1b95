// The way from the parameters to where the gradient is taken again, and back.
#include <cmath>
#include <numeric>

#include "kernels/reduce/args.h"
#include "optim/step.h"
#include "runtime/cpu.h"

namespace fastopt {

template <class T>
void Step<T>::ascend(const Team& team) {
  const bool adaptive = now<Ascent<true>>() != 0;
  const auto times_size = [](T w, T g) { return std::abs(w) * g; };
  // f(parameters, t times their gradient, the same in the spare memory, size, number of the chunk)
  const auto for_chunks = [&](auto&& f) {
    for_pieces(team, [&](std::size_t i, Range elements, Index chunk) {
      alignas(alignment) T scaled[chunk_size];
      for (Index begin = elements.begin; begin < elements.end; begin += chunk_size, ++chunk) {
        const Index size = std::min(chunk_size, elements.end - begin);
        T* const w = tensors_[i].parameter + begin;
        const T* g = tensors_[i].gradient + begin;
        if (adaptive) {
          std::transform(w, w + size, g, scaled, times_size);
          g = scaled;
        }
        f(w, g, spare(i) + begin, size, chunk);
      }
    });
  };
  for_chunks([&](const T*, const T* g, T*, Index size, Index chunk) {
    sums_[static_cast<std::size_t>(chunk)][0] = kernels<T>().reduce.sum_of_squares(g, size);
  });
  team.barrier();
  if (team.rank() == 0) {
    find_norms([&](const Tensor<T>& t, Index k) {
      return adaptive ? times_size(t.parameter[k], t.gradient[k]) : t.gradient[k];
    });
    const double all = std::accumulate(squares_.begin(), squares_.end(), 0.0);
    const auto norm =
        norm_of(all, static_cast<Index>(norms_.size()), [&](Index i) { return norms_[static_cast<std::size_t>(i)]; });
    ascent_ = ascent_factor(adaptive ? now<Ascent<true>>() : now<Ascent<false>>(), norm);
  }
  team.barrier();
  for_chunks([&](T* w, const T* g, T* before, Index size, Index) {
    std::copy_n(w, size, before);
    alignas(alignment) T again[chunk_size];
    if (adaptive) {
      std::transform(w, w + size, g, again, times_size);
      g = again;
    }
    kernels<T>().update.adjust({.size = size,
                                .parameter = w,
                                .gradient = g,
                                .to = w,
                                .scale = ascent_,
                                .limit = ClipValue::neutral,
                                .l1 = 0,
                                .l2 = 1});
  });
}

template <class T>
void Step<T>::descend(const Team& team) {
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    std::copy_n(spare(i) + elements.begin, elements.size(), tensors_[i].parameter + elements.begin);
  });
}

template void Step<float>::ascend(const Team&);
template void Step<double>::ascend(const Team&);
template void Step<float>::descend(const Team&);
template void Step<double>::descend(const Team&);

}  // namespace fastopt
