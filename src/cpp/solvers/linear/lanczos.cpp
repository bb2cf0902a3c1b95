#include "solvers/linear/lanczos.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "solvers/linear/symmetric.h"

namespace fastopt::solvers {

namespace {

void normalise(Out v) {
  const double length = norm(v);
  for (double& value : v) {
    value /= length;
  }
}

// What the tridiagonal matrix says of the extremes; `next` is what stands beside its end.
Extremes estimate(const Vector& diagonal, const Vector& beside, double next, double tolerance) {
  const std::size_t n = diagonal.size();
  Vector values = diagonal, off = beside, vectors(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    vectors[i * n + i] = 1;
  }
  off.resize(n, 0.0);
  diagonalize_tridiagonal(values, off, vectors, [](double) {});
  const auto [low, high] = std::ranges::minmax_element(values);
  const double size = std::max(std::abs(*low), std::abs(*high));
  const auto error = [&](auto value) {
    const auto i = static_cast<std::size_t>(value - values.begin());
    return std::abs(next * vectors[i * n + n - 1]);
  };
  return {.smallest = *low,
          .largest = *high,
          .products = static_cast<Index>(n),
          .converged = std::max(error(low), error(high)) <= tolerance * size};
}

}  // namespace

Extremes lanczos(const Multiply& multiply, In start, Index products, double tolerance) {
  constexpr std::size_t often = 20, every = 10;  // an estimate takes as many operations as a product of small matrices
  const std::size_t n = start.size();
  const auto most = static_cast<std::size_t>(std::min(products, static_cast<Index>(n)));
  std::vector<Vector> basis;
  std::vector<const double*> rows;
  Vector diagonal, beside, next(start.begin(), start.end());
  double size = 0;
  for (std::size_t k = 0;; ++k) {
    normalise(next);
    rows.push_back(basis.emplace_back(next).data());
    multiply(basis.back(), next);
    size = std::max(size, norm(next));
    diagonal.push_back(dot(basis.back(), next));
    Vector along(basis.size());
    for (int pass = 0; pass < 2; ++pass) {
      const double* const column = next.data();
      fastopt::solvers::products(rows, {&column, 1}, static_cast<Index>(n), along);
      for (double& value : along) {
        value = -value;
      }
      combine(rows, along, next);
    }
    const double length = norm(next);
    const bool ends = k + 1 == most || !(length > std::numeric_limits<double>::epsilon() * size);
    if (ends || (k + 1) % (k < often ? 1 : every) == 0) {
      Extremes found = estimate(diagonal, beside, length, tolerance);
      if (found.converged || ends) {
        found.converged |= k + 1 == n || !(length > std::numeric_limits<double>::epsilon() * size);
        return found;
      }
    }
    beside.push_back(length);
  }
}

}  // namespace fastopt::solvers
