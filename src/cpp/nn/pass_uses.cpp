// Values that several take, of which losses may want them before their activation: their way forward, and the sum of
// their gradients back.
#include <algorithm>

#include "kernels/elementwise/args.h"
#include "nn/pass.h"

namespace fastopt {

// Keeps values for the losses that take them as they are, and activates them for all else.
template <class T>
void Runner<T>::split(Index node, Range rows) {
  const Rows<T> y = arena_.levels[at(node)].y.from(rows.begin);
  const Index columns = p_.plan.columns(node);
  const int activation = p_.plan.node(node).activation;
  for (const Wire::Use& use : wire(node).uses) {
    for (Index i = 0; takes_logits(use) && i < rows.size(); ++i) {
      const Rows<T> to = arena_.outputs[use.input].other.from(rows.begin);
      std::copy_n(y.row(i), columns, to.row(i));
      if (arena_.along > 0) {
        std::copy_n(y.row(arena_.along + i), columns, to.row(arena_.along + i));
      }
    }
  }
  activation_kernel<T>(activation).activate(y, y, rows.size(), columns);
  if (arena_.along > 0) {
    activate_derivatives<T>(activation, y, arena_.along, rows.size(), columns);
  }
}

template <class T>
bool Runner<T>::takes_logits(const Wire::Use& use) const {
  return use.node < 0 && p_.task.ends == Task::Ends::objective && p_.objective->goals[use.input].logits;
}

// dy <- (the sum over the uses of f(z)) f'(z) + the sum over those of z
template <class T>
void Runner<T>::sum(Index node, Range rows) {
  const Rows<T> dy = gradient(node, rows.begin);
  const Index columns = p_.plan.columns(node);
  const auto branch = [&](const Wire::Use& use) {
    return (use.node < 0 ? arena_.outputs[use.input].branch : arena_.levels[at(use.node)].branches[use.input])
        .from(rows.begin);
  };
  Rows<T> total{};
  const auto add = [&](bool logits) {
    for (const Wire::Use& use : wire(node).uses) {
      if (takes_logits(use) != logits) {
        continue;
      }
      const Rows<T> part = branch(use);
      for (Index i = 0; total.data && i < rows.size(); ++i) {
        kernels<T>().elementwise.add(total.row(i), part.row(i), dy.row(i), columns);
        if (const Index j = arena_.along + i; j > i) {
          kernels<T>().elementwise.add(total.row(j), part.row(j), dy.row(j), columns);
        }
      }
      total = total.data ? dy : part;
    }
  };
  add(false);
  if (const int activation = p_.plan.node(node).activation; activation != linear && total.data) {
    if (arena_.along > 0) {
      differentiate_twice<T>(activation, arena_.levels[at(node)].y.from(rows.begin), total, dy, arena_.along,
                             rows.size(), columns);
    } else {
      activation_kernel<T>(activation).differentiate(values(node, rows.begin), total, dy, rows.size(), columns);
    }
    total = dy;
  }
  add(true);
}

template void Runner<float>::split(Index, Range);
template void Runner<double>::split(Index, Range);
template void Runner<float>::sum(Index, Range);
template void Runner<double>::sum(Index, Range);

}  // namespace fastopt
