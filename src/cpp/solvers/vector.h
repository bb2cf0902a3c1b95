// Arithmetic of long vectors in double precision, shared by threads where it is worth it: the same bits for any number.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "core/types.h"

namespace fastopt::solvers {

using Vector = std::vector<double>;
using In = std::span<const double>;
using Out = std::span<double>;
using Vectors = std::span<const double* const>;
// Called during long work with the number of operations since the last call; throws to end it.
using Look = std::function<void(double operations)>;

double dot(In x, In y);
double norm(In x);     // without overflow
double largest(In x);  // |x_i|; NaN where there is one
bool all_finite(In x);

// y += a x.
void add(double a, In x, Out y);
// y = x + a u.
void move(In x, double a, In u, Out y);
// y += sum_j c_j rows_j.
void combine(Vectors rows, In c, Out y);
// matrix[i, j] = rows_i'columns_j, of vectors of `size` elements; each is read once.
void products(Vectors rows, Vectors columns, Index size, Out matrix);
// y = A x, with A [y.size(), x.size()] by rows.
void multiply(In matrix, In x, Out y);
// A_i += a_i s + b_i u for each row i, where c(i) is {a_i, b_i}.
void add_two(const std::function<std::array<double, 2>(std::size_t i)>& c, In s, In u, Out matrix);

// A pass over several vectors by parts, which stay in the first-level cache together. It costs as much as reading
// `rows` vectors of `size` elements.
inline constexpr Index part_size = 1024;
void for_parts(Index size, Index rows, const std::function<void(Range part)>& work);
// The same, where `work` fills the sums of a part, which are added in order.
void sum_over_parts(Index size, Index rows, Out sums, const std::function<void(Range part, double* sums)>& work);

}  // namespace fastopt::solvers
