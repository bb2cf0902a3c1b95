// The part of a step that takes matrices as wholes.
#include "optim/step.h"

namespace fastopt {

template <class T>
void Step<T>::take_matrices(const Team& team) {
  team.barrier();
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor<T>& t = tensors_[i];
    if (!whole_matrix(t) || t.frozen) {
      continue;
    }
    const Matrix<T> matrix{.team = team,
                           .rows = t.size / t.columns,
                           .columns = t.columns,
                           .slots = t.slots,
                           .memory = matrix_memory_.data(),
                           .sums = chunk_squares_};
    const double factor = [&] {
      if constexpr (sizeof(T) == sizeof(float)) {
        return entry().whole(matrix, hyper_.data());
      } else {
        return entry().whole_double(matrix, hyper_.data());
      }
    }();
    if (team.rank() == 0) {
      factor_[i] = factor;
    }
  }
  team.barrier();
  for_pieces(team, [&](std::size_t i, Range elements, Index) {
    if (whole_matrix(tensors_[i])) {
      finish(i, elements);
    }
  });
}

template void Step<float>::take_matrices(const Team&);
template void Step<double>::take_matrices(const Team&);

}  // namespace fastopt
