// A header X.h enrols its rules as `X_rules`; the build makes "kernels/rules/list.h" of all headers here.
//
// A rule is its name, its slots and hyperparameters by name (the learning rate first), the coefficients of one step (in
// double, from the step number, which starts at 1) and the formula for one vector of elements: `apply` changes the
// slots and returns the step, which is subtracted from the parameters. Some have more:
// - `variants`: the number of forms of its formula, so that options cost nothing where they are not used. `apply` is a
//   template of the form as well, which `prepare` puts into c[variant_place].
// - `squares`: it squares the gradient, which is made `squarable`.
// - `sums`: their number; `apply` adds to a vector for each.
// - `finishing`, `finish`: the step once the sums are known, with the first so many slots, which stay as they are; and
//   `factor`, for each tensor from its sums, or `factor_of_all`, from the hyperparameters and the numbers after the
//   step: c[tensor_factor]. `apply` is then given the parameters too, and returns nothing.
// - `matrices`: it takes some matrices as wholes, or, with `everything`, all tensors. Of these, `gather` takes the
//   place of `apply`: it changes the first `gathers` slots and x, room for the tensor; then `whole(matrix,
//   hyperparameters, c)`, which all threads run, makes of x what needs all elements, by what optim/matrix.h has, and
//   returns c[tensor_factor]; then `finish` makes the step of x. `memory`: as much as `whole` needs of a matrix of
//   these sides, with the room; `cost`: what it costs, as products do.
// - `others`: the slots of what is not taken as a matrix, the first ones, where they are not all.
// - `of_matrices`, `of_others`: the extents of the slots of what is taken as a matrix, and of all else, where they are
//   not the tensor's.
// - `state`, `conclude`: numbers by name that go from step to step, which `prepare` reads, and what becomes of them at
//   the end of a step, from the sums over all tensors where there are some.
// - `advance`: what becomes of these numbers at the start of a step, before `prepare` and without the factors that the
//   learning rate has in some tensors.
// - `starts`: slots by place that start as the parameters.
// - `decays`: the formula has the decay in it: the function that returns the step is given the parameters and what they
//   are to decay by, after the coefficients.
// - `averages`: the last slot holds the parameters while their average is in their place: `to_average`, `from_average`,
//   whose coefficients `between` makes of the numbers, the last of which says whether it is.
// - `look_ahead`: goes from the parameters to where the gradient is to be taken, before each batch; slot `theta` then
//   holds the parameters.
#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/update/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class Rule>
inline constexpr bool finishes = requires { Rule::finishing; };

// The slots that `finish` is given: of matrices, the room.
template <class Rule>
inline constexpr std::size_t finishing = [] {
  if constexpr (finishes<Rule>) {
    return std::size_t{Rule::finishing};
  } else {
    return std::size_t{1};
  }
}();

// The slots that `apply` has, which come first.
template <class Rule>
inline constexpr std::size_t slots_of_others = [] {
  if constexpr (requires { Rule::others; }) {
    return std::size_t{Rule::others};
  } else {
    return Rule::slots.size();
  }
}();

template <class Rule>
inline constexpr int variants_of = [] {
  if constexpr (requires { Rule::variants; }) {
    return Rule::variants;
  } else {
    return 1;
  }
}();

template <class Rule>
inline constexpr bool squares = requires { requires Rule::squares; };

template <class Rule>
inline constexpr bool decays = requires { Rule::decays; };

template <class Rule>
inline constexpr bool averages = requires { Rule::averages; };

template <class Rule>
inline constexpr bool takes_matrices = requires { Rule::matrices; };

template <class Rule>
inline constexpr bool takes_everything = requires { Rule::everything; };

template <class Rule>
inline constexpr bool looks_ahead = requires { Rule::theta; };

// x within bounds whose square T holds: a mean of squares that is infinite would end all steps for ever. What is
// infinite already stays so, to be noticed.
template <class V>
[[gnu::always_inline]] inline V squarable(V x) {
  using T = typename V::value_type;
  constexpr T bound = sizeof(T) == 4 ? T(0x1p63) : T(0x1p511);
  const V held = at_most(at_least(x, V(-bound)), V(bound));
  where(abs(x) <= V(std::numeric_limits<T>::max()), x) = held;
  return x;
}

}  // namespace fastopt::FASTOPT_ISA
