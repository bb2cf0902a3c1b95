// The one loop that drives every update rule over a flat range.
#pragma once

#include "kernels/rules/list.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class Rule, class T>
void update(const Update<T>& u) {
  using V = Vec<T>;
  V c[max_coefficients];
  for (int i = 0; i < max_coefficients; ++i) {
    c[i] = static_cast<T>(u.coefficients[i]);
  }
  for_each_vector<T>(u.size, [&](Index i, auto load, auto store) {
    [&]<std::size_t... S>(std::index_sequence<S...>) {
      V w = load(u.parameter + i);
      V slots[] = {load(u.slots[S] + i)..., V(0)};
      Rule::apply(c, w, load(u.gradient + i), slots[S]...);
      store(w, u.parameter + i);
      (store(slots[S], u.slots[S] + i), ...);
    }(std::make_index_sequence<Rule::slots.size()>{});
  });
}

template <class T>
inline constexpr auto update_kernels =
    []<class... R>(List<R...>) { return std::array<void (*)(const Update<T>&), max_kinds>{update<R, T>...}; }(Rules{});

}  // namespace fastopt::FASTOPT_ISA
