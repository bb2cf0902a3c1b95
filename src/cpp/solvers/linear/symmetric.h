// Eigenvalues and eigenvectors of a symmetric matrix, and the solution of a square system.
#pragma once

#include "solvers/vector.h"

namespace fastopt::solvers {

// A [n, n] = V' diag(values) V with the eigenvectors in the rows of V, which takes the place of A; values rise.
// Householder's reduction to a tridiagonal matrix and implicit QL steps: Golub and Van Loan, Matrix Computations, 8.3.
void diagonalize(Out a, Out values, const Look& look);
// Of a symmetric tridiagonal matrix, whose diagonal becomes the eigenvalues (in no order); `vectors` [n, n] by rows is
// rotated along.
void diagonalize_tridiagonal(Out diagonal, Out beside, Out vectors, const Look& look);

// x in A x = b by elimination with row exchanges; false where A is singular. A and b are used up, b becomes x.
bool solve(Out a, Out b, const Look& look);

}  // namespace fastopt::solvers
