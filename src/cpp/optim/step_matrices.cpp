// The part of a step that takes matrices as wholes, one after the other.
#include "optim/step.h"

namespace fastopt {

template <class T>
void Step<T>::take_matrices(const Team& team) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor<T>& t = tensors_[i];
    if (!whole(t) || t.frozen || t.size == 0) {
      continue;
    }
    const Range mine = team.split(t.size, chunk_size);
    update(i, mine, 0, t.gradient);
    team.barrier();
    const Matrix<T> matrix{t.sides(), team, t.matrix(), t.parameter, t.slots, matrix_memory_.data(), chunk_squares_};
    const double factor = matrix_entry().whole(matrix, hyper_.data(), groups_[group_[i]].coefficients.data());
    finish(i, mine, factor);
    team.barrier();
  }
}

template void Step<float>::take_matrices(const Team&);
template void Step<double>::take_matrices(const Team&);

}  // namespace fastopt
