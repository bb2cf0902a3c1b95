// The part of a step that masks what a rule does.
#include "optim/step.h"
#include "runtime/cpu.h"

namespace fastopt {

// The rule's step from zeros is -u: of the rules whose step does not depend on the parameters, it is that from
// anywhere.
template <class T>
void Step<T>::mask(std::size_t i, Update<T> u, Index chunk) {
  alignas(alignment) T zeros[2][chunk_size];
  T* const step = spare(i) + (u.parameter - tensors_[i].parameter);
  std::fill_n(zeros[0], u.size, T(0));
  u.parameter = zeros[0];
  u.decay = 0;
  if (looks_ahead()) {
    std::fill_n(zeros[1], u.size, T(0));
    u.slots[static_cast<std::size_t>(entry().theta)] = zeros[1];
  }
  const UpdateKernels<T>& k = kernels<T>().update;
  k.apply[static_cast<std::size_t>(rule_)](u);
  const Index left = k.mask(u.parameter, u.gradient, step, u.size);
  sums_[static_cast<std::size_t>(chunk)][max_sums - 1] = static_cast<double>(left);
}

// Plain gradient descent along -u, with the decay, which is not masked.
template <class T>
void Step<T>::finish_masked(std::size_t i, Range elements) {
  static const auto descent = static_cast<std::size_t>(find_rule("sgd"));
  Update<T> u = update_of(i, elements);
  if (looks_ahead()) {
    std::copy_n(u.slots[static_cast<std::size_t>(entry().theta)], u.size, u.parameter);
  }
  u.gradient = spare(i) + elements.begin;
  u.coefficients = {-factor_[i]};
  kernels<T>().update.apply[descent](u);
  settle(tensors_[i], u);
}

template void Step<float>::mask(std::size_t, Update<float>, Index);
template void Step<double>::mask(std::size_t, Update<double>, Index);
template void Step<float>::finish_masked(std::size_t, Range);
template void Step<double>::finish_masked(std::size_t, Range);

}  // namespace fastopt
