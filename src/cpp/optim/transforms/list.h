// All transforms, in the order in which they act.
#pragma once

#include <array>
#include <tuple>

#include "optim/transforms/accumulate.h"
#include "optim/transforms/ascent.h"
#include "optim/transforms/average.h"
#include "optim/transforms/cautious.h"
#include "optim/transforms/clip.h"
#include "optim/transforms/decay.h"
#include "optim/transforms/lookahead.h"

namespace fastopt {

using Transforms = std::tuple<Ascent<false>, Ascent<true>, Accumulate, ClipNorm, ClipGlobalNorm, ClipValue, L1, L2,
                              Cautious, Decay, ProximalL1, Lookahead, Average>;
inline constexpr std::size_t transform_count = std::tuple_size_v<Transforms>;
template <class Transform>
inline constexpr std::size_t transform_place = []<class... X>(std::tuple<X...>*) {
  std::size_t place = 0;
  static_cast<void>(((std::is_same_v<Transform, X> || (++place, false)) || ...));
  return place;
}(static_cast<Transforms*>(nullptr));

struct TransformEntry {
  std::string_view name, slot;  // no slot: ""
  double neutral;
  bool measures;  // needs the norms of the gradients
  bool spares;    // needs an array for each parameter within a step
};

template <class Transform>
concept Limits = requires { &Transform::limit; };
template <class Transform>
concept KeepsSlot = requires { Transform::slot; };
template <class Transform>
concept Spares = requires { Transform::spares; };

template <class Transform>
constexpr TransformEntry transform_entry() {
  TransformEntry entry{Transform::name, "", Transform::neutral, Limits<Transform>, Spares<Transform>};
  if constexpr (KeepsSlot<Transform>) {
    entry.slot = Transform::slot;
  }
  return entry;
}

inline constexpr auto transforms = []<class... X>(std::tuple<X...>*) {
  return std::array{transform_entry<X>()...};
}(static_cast<Transforms*>(nullptr));

// f.operator()<Transform>(place) for each.
template <class F>
void for_each_transform(F&& f) {
  [&]<class... X>(std::tuple<X...>*) {
    (f.template operator()<X>(transform_place<X>), ...);
  }(static_cast<Transforms*>(nullptr));
}

}  // namespace fastopt
