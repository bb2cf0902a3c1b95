// What a step makes of the sums of a rule, and of a mask.
#include <algorithm>

#include "optim/step.h"

namespace fastopt {

template <class T>
void Step<T>::use_sums() {
  std::array<double, max_sums> all{};
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    std::array<double, max_sums> of_tensor{};
    for (Index c = first_chunk_[i]; !tensors_[i].frozen && c < first_chunk_[i + 1]; ++c) {
      for (std::size_t s = 0; s < max_sums; ++s) {
        of_tensor[s] += sums_[static_cast<std::size_t>(c)][s];
      }
    }
    if (entry().factor) {
      factor_[i] = entry().factor(of_tensor.data());
    }
    if (masks()) {
      factor_[i] = Cautious::factor(of_tensor[max_sums - 1], tensors_[i].size);
    }
    for (std::size_t s = 0; s < max_sums; ++s) {
      all[s] += of_tensor[s];
    }
  }
  if (entry().conclude && entry().sums > 0) {
    entry().conclude(hyper_.data(), taken + 1, all.data(), next_numbers_.data());
  }
  if (entry().factor_of_all) {
    std::ranges::fill(factor_, entry().factor_of_all(hyper_.data(), next_numbers_.data()));
  }
}

template void Step<float>::use_sums();
template void Step<double>::use_sums();

}  // namespace fastopt
