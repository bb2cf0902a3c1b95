// The extreme eigenvalues of a symmetric matrix of which only products with vectors are known.
#pragma once

#include <functional>

#include "solvers/vector.h"

namespace fastopt::solvers {

struct Extremes {
  double smallest = 0, largest = 0;
  Index products = 0;
  bool converged = false;  // both, to the tolerance
};

// product = A v.
using Multiply = std::function<void(In v, Out product)>;

// Lanczos' method from a start that is not 0, each vector made orthogonal to all before it, twice: Golub and Van Loan,
// Matrix Computations, 10.1 and 10.3. It ends where both errors are at most `tolerance` times the larger of both sizes,
// or after so many products; all vectors are kept. Eigenvalues whose vectors are orthogonal to the start are not found.
Extremes lanczos(const Multiply& multiply, In start, Index products, double tolerance);

}  // namespace fastopt::solvers
