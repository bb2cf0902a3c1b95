// Singular values and vectors of a small matrix.
#pragma once

#include "solvers/vector.h"

namespace fastopt::solvers {

// Rotates the rows of A [n, m] (columns of a Jacobian's transpose) and of V [n, n], first the identity, until A's are
// at right angles: then A_before = V' A, whose rows have the lengths sigma_i. Small ones are as exact as large ones:
// one-sided Jacobi, Golub and Van Loan, Matrix Computations, 8.6.3.
void orthogonalize(Out a, Out v, Out sigma, const Look& look);

}  // namespace fastopt::solvers
