// A list of types: the way rules, activations, losses and metrics are enrolled.
#pragma once

namespace fastopt::FASTOPT_ISA {

template <class... Types>
struct List {
  static constexpr int size = sizeof...(Types);
};

template <class... Lists>
struct JoinedLists;
template <class... Types>
struct JoinedLists<List<Types...>> {
  using Type = List<Types...>;
};
template <class... First, class... Second, class... Rest>
struct JoinedLists<List<First...>, List<Second...>, Rest...> : JoinedLists<List<First..., Second...>, Rest...> {};

// One list of the types of several.
template <class... Lists>
using Joined = typename JoinedLists<Lists...>::Type;

}  // namespace fastopt::FASTOPT_ISA
