// The one loop that drives every update rule over a flat range, and what is done to gradients and parameters around it.
#pragma once

#include <tuple>

#include "kernels/rules/list.h"
#include "kernels/update/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

// What a pass changes.
enum class Moves { all, parameters, slots };

// Calls step(c, i, load, w, slots...) for every vector and stores what it made of w and of the slots, of which there
// are `count`, as far as they move.
template <class Rule, std::size_t count = slots_of_others<Rule> - averages<Rule>, Moves moves = Moves::all, class T,
          class F>
[[gnu::always_inline]] inline void drive(const Update<T>& u, F&& step) {
  using V = Vec<T>;
  V c[max_coefficients];
  for (int i = 0; i < max_coefficients; ++i) {
    c[i] = static_cast<T>(u.coefficients[i]);
  }
  for_each_vector<T>(u.size, [&](Index i, auto load, auto store) {
    [&]<std::size_t... S>(std::index_sequence<S...>) {
      V w = load(u.parameter + i);
      V slots[] = {load(u.slots[S] + i)..., V(0)};
      step(c, i, load, w, slots[S]...);
      if constexpr (moves != Moves::slots) {
        store(w, u.parameter + i);
      }
      if constexpr (moves != Moves::parameters) {
        (store(slots[S], u.slots[S] + i), ...);
      }
    }(std::make_index_sequence<count>{});
  });
}

// What a step starts from: the parameters, but where the rule has looked ahead.
template <class Rule, class V, class... Slots>
[[gnu::always_inline]] inline V start_of(const V& w, const Slots&... slots) {
  if constexpr (looks_ahead<Rule>) {
    return std::get<Rule::theta>(std::tie(slots...));
  } else {
    return w;
  }
}

// w <- start - (step + decay start), where step(c, i, load, w, slots...) is the rule's. Decay is added to the step
// because a factor 1 - decay would be too near 1 for float32 to hold the decay well.
template <class Rule, std::size_t count = slots_of_others<Rule> - averages<Rule>, Moves moves = Moves::all, class T,
          class F>
[[gnu::always_inline]] inline void move(const Update<T>& u, F&& step) {
  if (u.decay == 0 || decays<Rule>) {
    drive<Rule, count, moves>(u, [&](const auto* c, Index i, auto load, auto& w, auto&... slots) {
      const Vec<T> change = step(c, i, load, w, slots...);
      w = start_of<Rule>(w, slots...) - change;
    });
  } else {
    const Vec<T> decay = static_cast<T>(u.decay);
    drive<Rule, count, moves>(u, [&](const auto* c, Index i, auto load, auto& w, auto&... slots) {
      const Vec<T> change = step(c, i, load, w, slots...), start = start_of<Rule>(w, slots...);
      w = start - (change + decay * start);
    });
  }
}

template <class Rule, class T, class Load>
[[gnu::always_inline]] inline Vec<T> gradient_at(const Update<T>& u, Index i, Load&& load) {
  const Vec<T> g = load(u.gradient + i);
  if constexpr (squares<Rule>) {
    return squarable(g);
  } else {
    return g;
  }
}

template <class Rule, int variant, class... Arguments>
[[gnu::always_inline]] inline auto apply(Arguments&&... arguments) {
  if constexpr (variants_of<Rule> > 1) {
    return Rule::template apply<variant>(arguments...);
  } else {
    return Rule::apply(arguments...);
  }
}

template <class Rule, int variant, class T>
void update_by(const Update<T>& u) {
  using V = Vec<T>;
  if constexpr (requires { Rule::sums; }) {
    V sums[Rule::sums] = {};
    if constexpr (finishes<Rule>) {
      drive<Rule, Rule::slots.size(), Moves::slots>(u, [&](const V* c, Index i, auto load, V& w, auto&... slots) {
        apply<Rule, variant>(c, w, gradient_at<Rule>(u, i, load), slots..., sums);
      });
    } else {
      move<Rule>(u, [&](const V* c, Index i, auto load, const V&, auto&... slots) {
        return apply<Rule, variant>(c, gradient_at<Rule>(u, i, load), slots..., sums);
      });
    }
    for (int s = 0; s < Rule::sums; ++s) {
      (*u.sums)[s] = static_cast<double>(stdx::reduce(sums[s]));
    }
  } else if constexpr (decays<Rule>) {
    const V decay = static_cast<T>(u.decay);
    move<Rule>(u, [&](const V* c, Index i, auto load, const V& w, auto&... slots) {
      return Rule::apply(c, w, decay, gradient_at<Rule>(u, i, load), slots...);
    });
  } else {
    move<Rule>(u, [&](const V* c, Index i, auto load, const V&, auto&... slots) {
      return apply<Rule, variant>(c, gradient_at<Rule>(u, i, load), slots...);
    });
  }
}

template <class Rule, class T>
void update(const Update<T>& u) {
  if constexpr (variants_of<Rule> == 1) {
    update_by<Rule, 0>(u);
  } else {
    const int chosen = static_cast<int>(u.coefficients[variant_place]);
    [&]<int... variant>(std::integer_sequence<int, variant...>) {
      static_cast<void>(((chosen == variant && (update_by<Rule, variant>(u), true)) || ...));
    }(std::make_integer_sequence<int, variants_of<Rule>>{});
  }
}

template <class Rule, class T>
void finish(const Update<T>& u) {
  const Vec<T> decay = static_cast<T>(u.decay);
  move<Rule, finishing<Rule>, Moves::parameters>(u,
                                                 [&](const auto* c, Index, auto, const auto& w, const auto&... slots) {
                                                   if constexpr (decays<Rule>) {
                                                     return Rule::finish(c, w, decay, slots...);
                                                   } else {
                                                     return Rule::finish(c, w, slots...);
                                                   }
                                                 });
}

template <class Rule, class T>
void to_average(const Update<T>& u) {
  drive<Rule, Rule::slots.size()>(
      u, [](const auto* c, Index, auto, auto& w, auto&... slots) { Rule::to_average(c, w, slots...); });
}

template <class Rule, class T>
void from_average(const Update<T>& u) {
  drive<Rule, Rule::slots.size()>(
      u, [](const auto* c, Index, auto, auto& w, auto&... slots) { Rule::from_average(c, w, slots...); });
}

template <class Rule, class T>
void look_ahead(const Update<T>& u) {
  drive<Rule>(u, [](const auto* c, Index, auto, auto& w, auto&... slots) { Rule::look_ahead(c, w, slots...); });
}

template <class Rule, class T>
void gather(const Update<T>& u) {
  drive<Rule, Rule::gathers + 1, Moves::slots>(u, [&](const auto* c, Index i, auto load, const auto&, auto&... slots) {
    Rule::gather(c, gradient_at<Rule>(u, i, load), slots...);
  });
}

template <class Rule, class T>
constexpr void (*update_of())(const Update<T>&) {
  if constexpr (takes_everything<Rule>) {
    return nullptr;
  } else {
    return update<Rule, T>;
  }
}

template <class Rule, class T>
constexpr void (*gather_of())(const Update<T>&) {
  if constexpr (takes_matrices<Rule>) {
    return gather<Rule, T>;
  } else {
    return nullptr;
  }
}

template <class Rule, class T>
constexpr void (*finish_of())(const Update<T>&) {
  if constexpr (finishes<Rule> || takes_matrices<Rule>) {
    return finish<Rule, T>;
  } else {
    return nullptr;
  }
}

template <class Rule, class T>
constexpr void (*look_ahead_of())(const Update<T>&) {
  if constexpr (looks_ahead<Rule>) {
    return look_ahead<Rule, T>;
  } else {
    return nullptr;
  }
}

template <class Rule, class T>
constexpr void (*to_average_of())(const Update<T>&) {
  if constexpr (averages<Rule>) {
    return to_average<Rule, T>;
  } else {
    return nullptr;
  }
}

template <class Rule, class T>
constexpr void (*from_average_of())(const Update<T>&) {
  if constexpr (averages<Rule>) {
    return from_average<Rule, T>;
  } else {
    return nullptr;
  }
}

// By rule.
template <class T>
inline constexpr auto apply_kernels = []<class... R>(List<R...>) { return std::array{update_of<R, T>()...}; }(Rules{});

template <class T>
inline constexpr auto finish_kernels = []<class... R>(List<R...>) { return std::array{finish_of<R, T>()...}; }(Rules{});

template <class T>
inline constexpr auto gather_kernels = []<class... R>(List<R...>) { return std::array{gather_of<R, T>()...}; }(Rules{});

template <class T>
inline constexpr auto look_ahead_kernels =
    []<class... R>(List<R...>) { return std::array{look_ahead_of<R, T>()...}; }(Rules{});

template <class T>
inline constexpr auto to_average_kernels =
    []<class... R>(List<R...>) { return std::array{to_average_of<R, T>()...}; }(Rules{});

template <class T>
inline constexpr auto from_average_kernels =
    []<class... R>(List<R...>) { return std::array{from_average_of<R, T>()...}; }(Rules{});

template <class T>
void adjust(const Adjust<T>& a) {
  using V = Vec<T>;
  const V scale = static_cast<T>(a.scale), limit = static_cast<T>(a.limit), l1 = static_cast<T>(a.l1),
          l2 = static_cast<T>(a.l2);
  for_each_vector<T>(a.size, [&](Index i, auto load, auto store) {
    V g = scale * load(a.gradient + i);
    where(g > limit, g) = limit;  // NaN stays NaN
    where(g < -limit, g) = -limit;
    const V w = load(a.parameter + i);
    store(g + (l2 * w + l1 * sign(w)), a.to + i);
  });
}

template <class T>
void approach(const T* x, T* y, double part, Index size) {
  const Vec<T> p = static_cast<T>(part);
  for_each_vector<T>(size, [&](Index i, auto load, auto store) {
    const Vec<T> old = load(y + i);
    store(old + p * (load(x + i) - old), y + i);
  });
}

template <class T>
void add(const T* x, T* y, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(load(y + i) + load(x + i), y + i); });
}

template <class T>
Index mask(const T* x, const T* y, T* to, Index size) {
  using V = Vec<T>;
  V left = 0;
  for_each_vector<T>(size, [&](Index i, auto load, auto store) {
    V a = load(x + i);
    const V b = load(y + i), zero = 0;
    const auto out = (a >= zero && b >= zero) || (a <= zero && b <= zero);  // the product might vanish
    V one = 1;
    where(out, a) = zero;
    where(out, one) = zero;
    left += one;
    store(a, to + i);
  });
  return static_cast<Index>(stdx::reduce(left));
}

}  // namespace fastopt::FASTOPT_ISA
