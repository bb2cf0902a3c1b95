// Products with the Hessian of the cost of samples, and with the Gauss-Newton approximation of it.
#pragma once

#include <span>

#include "nn/network.h"

namespace fastopt {

// Which matrix: H, the Hessian of sum_i w_i L_i / n and what layers cost; or its Gauss-Newton part, sum_i w_i J_i' H_i
// J_i / n and the same of what layers cost, J_i being the Jacobian of what a loss takes of sample i, and H_i the loss's
// Hessian by that.
enum class Curvature : std::uint8_t { hessian, gauss_newton };

// The matrix times a direction, with everything fixed that training measures: Pearlmutter, Fast exact multiplication by
// the Hessian, Neural Computation 6 (1994), forward over reverse. Vectors are laid out as the parameters of the plan, a
// line more being read behind parameters and direction; frozen layers take no part: their elements of the direction are
// not read, those of the product 0. Samples go through in chunks, as for the gradient: no bit depends on threads. For
// plans whose `has_curvature` says so and losses of the core.
//
// Where a second product is asked for at the same point, the values of all samples are kept for those that follow, if
// they take no more than 128 MB. The samples must stay as they are.
template <class T>
class CurvatureProducts {
 public:
  CurvatureProducts(Network<T>& network, std::span<const Samples> x, const Objective<T>& objective)
      : network_(network), x_(x), objective_(objective) {}

  // False where the watch asks to stop.
  bool operator()(const Batch& samples, Curvature which, const T* parameters, const T* direction,
                  std::span<double> product, Watch& watch);

 private:
  using Levels = std::vector<typename Arena<T>::Level>;

  void find(const Batch& samples, const T* parameters, Index chunk_rows);
  void place(Levels& levels, Index chunk);

  Network<T>& network_;
  std::span<const Samples> x_;
  const Objective<T>& objective_;
  Buffer<T> at_, values_;
  Batch samples_{0};
  Index chunk_size_ = 0;  // elements of the values of a chunk
  bool keeps_ = false, known_ = false;
};

}  // namespace fastopt
