// A list of types: the way rules, activations, losses and metrics are enrolled.
#pragma once

namespace fastopt::FASTOPT_ISA {

template <class... Types>
struct List {
  static constexpr int size = sizeof...(Types);
};

}  // namespace fastopt::FASTOPT_ISA
