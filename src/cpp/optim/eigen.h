// Orthogonal bases, by all ranks of a team together. Every function is called by all ranks, finds complete what was
// written before it and leaves what it wrote complete; results do not depend on the number of ranks.
#pragma once

#include <span>

#include "core/types.h"
#include "runtime/team.h"

namespace fastopt {

// Doubles that these functions need beside the matrices.
inline Index eigen_memory(Index n) {
  return 3 * n;
}

// q <- orthonormal rows, the first k of which span what the first k rows of b do; both are [n, n], and b is used up.
template <class T>
void orthonormalize(const Team& team, Index n, T* b, T* q, std::span<double> memory);

// q <- the eigenvectors of the symmetric a, a row each, by falling eigenvalues; both are [n, n], and a is used up.
template <class T>
void find_eigenvectors(const Team& team, Index n, T* a, T* q, std::span<double> memory);

}  // namespace fastopt
