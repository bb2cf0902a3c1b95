#include "solvers/linear/symmetric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace fastopt::solvers {

namespace {

Out row_of(Out a, std::size_t i, std::size_t n) {
  return a.subspan(i * n, n);
}

// Q A Q' is tridiagonal, and Q takes the place of A.
void reduce_to_tridiagonal(Out a, Out diagonal, Out beside, const Look& look) {
  const std::size_t n = diagonal.size();
  Vector reflections(n * n, 0.0), u(n), p(n);
  const double of_column = 4 * static_cast<double>(n * n);  // operations
  for (std::size_t k = 0; k + 2 < n; ++k) {
    look(2 * of_column);
    // Column k below the diagonal becomes a multiple of e_(k+1).
    for (std::size_t i = 0; i < n; ++i) {
      u[i] = i > k ? a[i * n + k] : 0;
    }
    const double length = norm(u);
    if (length == 0) {
      continue;
    }
    u[k + 1] += std::copysign(length, u[k + 1]);
    const double size = norm(u);
    for (double& v : u) {
      v /= size;
    }
    // (I - 2uu') A (I - 2uu') = A - u w' - w u', w = 2 (A u - (u'Au) u).
    multiply(a, u, p);
    const double along = dot(u, p);
    for (std::size_t i = 0; i < n; ++i) {
      p[i] = 2 * (p[i] - along * u[i]);
    }
    add_two([&](std::size_t i) { return std::array{-p[i], -u[i]}; }, u, p, a);
    std::ranges::copy(u, row_of(reflections, k, n).begin());
  }
  for (std::size_t i = 0; i < n; ++i) {
    diagonal[i] = a[i * n + i];
    beside[i] = i + 1 < n ? a[(i + 1) * n + i] : 0;
  }
  // Q = H_(n-3) ... H_0: the identity, reflected from the right by the last first.
  std::ranges::fill(a, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    a[i * n + i] = 1;
  }
  for (std::size_t k = n > 2 ? n - 2 : 0; k-- > 0;) {
    look(of_column);
    const Out v = row_of(reflections, k, n);
    multiply(a, v, p);
    for (std::size_t i = 0; i < n; ++i) {
      if (p[i] != 0) {
        add(-2 * p[i], v, row_of(a, i, n));
      }
    }
  }
}

}  // namespace

void diagonalize_tridiagonal(Out diagonal, Out beside, Out vectors, const Look& look) {
  const std::size_t n = diagonal.size();
  for (std::size_t l = 0; l < n; ++l) {
    for (int step = 0; step < 60; ++step) {
      std::size_t m = l;
      while (m + 1 < n && std::abs(beside[m]) > std::numeric_limits<double>::epsilon() *
                                                    (std::abs(diagonal[m]) + std::abs(diagonal[m + 1]))) {
        ++m;
      }
      if (m == l) {
        break;
      }
      look(6 * static_cast<double>((m - l) * n));
      // Wilkinson's shift.
      double g = (diagonal[l + 1] - diagonal[l]) / (2 * beside[l]);
      double r = std::hypot(g, 1.0);
      g = diagonal[m] - diagonal[l] + beside[l] / (g + std::copysign(r, g));
      double s = 1, c = 1, p = 0;
      std::size_t i = m;
      bool split = false;
      while (i-- > l) {
        const double f = s * beside[i], b = c * beside[i];
        r = std::hypot(f, g);
        beside[i + 1] = r;
        if (r == 0) {
          diagonal[i + 1] -= p;
          beside[m] = 0;
          split = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = diagonal[i + 1] - p;
        r = (diagonal[i] - g) * s + 2 * c * b;
        p = s * r;
        diagonal[i + 1] = g + p;
        g = c * r - b;
        if (!vectors.empty()) {
          const Out low = row_of(vectors, i, n), high = row_of(vectors, i + 1, n);
          for (std::size_t k = 0; k < n; ++k) {
            const double before = high[k];
            high[k] = s * low[k] + c * before;
            low[k] = c * low[k] - s * before;
          }
        }
      }
      if (!split) {
        diagonal[l] -= p;
        beside[l] = g;
        beside[m] = 0;
      }
    }
  }
}

void diagonalize(Out a, Out values, const Look& look) {
  const std::size_t n = values.size();
  Vector beside(n), diagonal(n);
  reduce_to_tridiagonal(a, diagonal, beside, look);
  diagonalize_tridiagonal(diagonal, beside, a, look);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return diagonal[i]; });
  const Vector rows(a.begin(), a.end());
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = diagonal[order[i]];
    std::copy_n(rows.begin() + static_cast<Index>(order[i] * n), n, row_of(a, i, n).begin());
  }
}

bool solve(Out a, Out b, const Look& look) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    look(2 * static_cast<double>((n - k) * (n - k)));
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) {
        pivot = i;
      }
    }
    if (a[pivot * n + k] == 0 || !std::isfinite(a[pivot * n + k])) {
      return false;
    }
    if (pivot != k) {
      std::ranges::swap_ranges(row_of(a, k, n), row_of(a, pivot, n));
      std::swap(b[k], b[pivot]);
    }
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / a[k * n + k];
      if (factor != 0) {
        add(-factor, row_of(a, k, n).subspan(k), row_of(a, i, n).subspan(k));
        b[i] -= factor * b[k];
      }
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    b[k] = (b[k] - (k + 1 < n ? dot(row_of(a, k, n).subspan(k + 1), b.subspan(k + 1)) : 0)) / a[k * n + k];
  }
  return true;
}

}  // namespace fastopt::solvers
