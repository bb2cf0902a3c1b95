#include "optim/eigen.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/buffer.h"
#include "runtime/scratch.h"

namespace fastopt {

namespace {

constexpr Index panel = 32;  // reflections that stay in cache while all rows go through them

template <class T>
T dot(const T* x, const T* y, Index size) {
  constexpr Index lanes = 16;
  std::array<T, lanes> sums{};
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (Index l = 0; l < lanes; ++l) {
      sums[static_cast<std::size_t>(l)] += x[i + l] * y[i + l];
    }
  }
  for (Index l = 0; i + l < size; ++l) {
    sums[static_cast<std::size_t>(l)] += x[i + l] * y[i + l];
  }
  for (std::size_t step = lanes / 2; step > 0; step /= 2) {
    for (std::size_t l = 0; l < step; ++l) {
      sums[l] += sums[l + step];
    }
  }
  return sums[0];
}

// y <- y - factor x
template <class T>
void subtract(T factor, const T* x, T* y, Index size) {
  for (Index i = 0; i < size; ++i) {
    y[i] -= factor * x[i];
  }
}

// (x, y) <- (c x - s y, s x + c y)
template <class T>
void rotate(T c, T s, T* x, T* y, Index size) {
  for (Index i = 0; i < size; ++i) {
    const T h = y[i];
    y[i] = s * x[i] + c * h;
    x[i] = c * x[i] - s * h;
  }
}

// Householder: x <- v with v_0 = 1, so that I - tau v v^T takes x to (result, 0, 0, ...).
template <class T>
double make_reflection(T* x, Index size, double& tau) {
  double most = 0;
  for (Index i = 1; i < size; ++i) {
    most = std::max(most, std::abs(static_cast<double>(x[i])));
  }
  const double first = static_cast<double>(x[0]);
  x[0] = 1;
  tau = 0;
  if (most == 0) {
    return first;
  }
  most = std::max(most, std::abs(first));
  double squares = 0;
  for (Index i = 1; i < size; ++i) {
    const double v = static_cast<double>(x[i]) / most;
    squares += v * v;
  }
  const double scaled = first / most;
  const double result = -std::copysign(std::sqrt(squares + scaled * scaled), scaled);
  tau = (result - scaled) / result;
  const double by = most * (scaled - result);
  for (Index i = 1; i < size; ++i) {
    x[i] = static_cast<T>(static_cast<double>(x[i]) / by);
  }
  return most * result;
}

// row <- row - tau (row . v) v
template <class T>
void reflect(const T* v, double tau, T* row, Index size) {
  if (tau != 0) {
    subtract(static_cast<T>(tau) * dot(v, row, size), v, row, size);
  }
}

// The rows of q, each times the reflections k = count-1, ..., 0, whose vectors begin at v[k][k + offset].
template <class T>
void reflect_back(const Team& team, Index n, Index offset, Index count, const T* v, std::span<const double> tau, T* q) {
  const Range mine = team.split(n);
  for (Index last = count; last > 0; last = std::max<Index>(0, last - panel)) {
    for (Index i = mine.begin; i < mine.end; ++i) {
      for (Index k = last - 1; k >= std::max<Index>(0, last - panel); --k) {
        const Index begin = k + offset;
        reflect(v + k * n + begin, tau[static_cast<std::size_t>(k)], q + i * n + begin, n - begin);
      }
    }
  }
  team.barrier();
}

template <class T>
void set_identity(const Team& team, Index n, T* q) {
  const Range mine = team.split(n);
  std::fill(q + mine.begin * n, q + mine.end * n, T(0));
  for (Index i = mine.begin; i < mine.end; ++i) {
    q[i * n + i] = 1;
  }
  team.barrier();
}

// a <- H a H, of three diagonals, of which d is the middle one and e the one beside it; the vectors of H = H_(n-3) ...
// H_0 stay in a[k][k + 1].
template <class T>
void make_tridiagonal(const Team& team, Index n, T* a, std::span<double> d, std::span<double> e, std::span<double> tau,
                      T* p) {
  for (Index k = 0; k < n; ++k) {
    T* const v = a + k * n + k + 1;
    const Index rest = n - k - 1;
    if (team.rank() == 0) {
      const auto at = static_cast<std::size_t>(k);
      d[at] = static_cast<double>(a[k * n + k]);
      tau[at] = 0;
      e[at] = rest > 1 ? make_reflection(v, rest, tau[at]) : rest == 1 ? static_cast<double>(v[0]) : 0;
    }
    team.barrier();
    const T by = static_cast<T>(tau[static_cast<std::size_t>(k)]);
    if (by == 0) {
      continue;
    }
    const Range mine = team.split(rest);
    const auto row = [&](Index i) { return v + (i + 1) * n; };
    for (Index i = mine.begin; i < mine.end; ++i) {
      p[i] = by * dot(row(i), v, rest);
    }
    team.barrier();
    const T half = by / 2 * dot(p, v, rest);
    // w = p - half v;  the rest of a <- a - v w^T - w v^T
    for (Index i = mine.begin; i < mine.end; ++i) {
      const T v_i = v[i], w_i = p[i] - half * v_i;
      T* const to = row(i);
      for (Index j = 0; j < rest; ++j) {
        to[j] -= v_i * (p[j] - half * v[j]) + w_i * v[j];
      }
    }
    team.barrier();
  }
}

// QL with implicit shifts (Bowdler, Martin, Reinsch and Wilkinson, 1968): d <- the eigenvalues; rotate(i, c, s) for
// every rotation of i and i + 1.
template <class F>
void diagonalize(std::span<double> d, std::span<double> e, F&& rotate) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  constexpr int most_turns = 60;
  const std::size_t n = d.size();
  double shift = 0, largest = 0;
  for (std::size_t l = 0; l < n; ++l) {
    largest = std::max(largest, std::abs(d[l]) + std::abs(e[l]));
    std::size_t m = l;
    while (m + 1 < n && !(std::abs(e[m]) <= eps * largest)) {
      ++m;
    }
    for (int turn = 0; m > l && turn < most_turns; ++turn) {
      const double g = d[l], half = (d[l + 1] - g) / (2 * e[l]);
      const double r = half + std::copysign(std::hypot(half, 1), half);
      d[l] = e[l] / r;
      d[l + 1] = e[l] * r;
      const double next = d[l + 1], moved = g - d[l], e_next = e[l + 1];
      for (std::size_t i = l + 2; i < n; ++i) {
        d[i] -= moved;
      }
      shift += moved;
      double p = d[m], c = 1, c2 = 1, c3 = 1, s = 0, s2 = 0;
      for (std::size_t i = m; i-- > l;) {
        c3 = c2;
        c2 = c;
        s2 = s;
        const double ce = c * e[i], cp = c * p, length = std::hypot(p, e[i]);
        e[i + 1] = s * length;
        s = length > 0 ? e[i] / length : 0;
        c = length > 0 ? p / length : 1;
        p = c * d[i] - s * ce;
        d[i + 1] = cp + s * (c * ce + s * d[i]);
        rotate(static_cast<Index>(i), c, s);
      }
      p = -s * s2 * c3 * e_next * e[l] / next;
      e[l] = s * p;
      d[l] = c * p;
      if (!(std::abs(e[l]) > eps * largest)) {
        break;
      }
    }
    d[l] += shift;
    e[l] = 0;
  }
}

}  // namespace

template <class T>
void orthonormalize(const Team& team, Index n, T* b, T* q, std::span<double> memory) {
  const std::span<double> tau = memory.first(static_cast<std::size_t>(n));
  for (Index first = 0; first < n; first += panel) {
    const Index last = std::min(n, first + panel);
    const auto reflect_by = [&](Index k, Index row) {
      reflect(b + k * n + k, tau[static_cast<std::size_t>(k)], b + row * n + k, n - k);
    };
    if (team.rank() == 0) {
      for (Index k = first; k < last; ++k) {
        for (Index j = first; j < k; ++j) {
          reflect_by(j, k);
        }
        make_reflection(b + k * n + k, n - k, tau[static_cast<std::size_t>(k)]);
      }
    }
    team.barrier();
    const Range mine = team.split(n - last);
    for (Index i = last + mine.begin; i < last + mine.end; ++i) {
      for (Index k = first; k < last; ++k) {
        reflect_by(k, i);
      }
    }
    team.barrier();
  }
  set_identity(team, n, q);
  reflect_back(team, n, 0, n, b, tau, q);
}

template <class T>
void find_eigenvectors(const Team& team, Index n, T* a, T* q, std::span<double> memory) {
  const auto count = static_cast<std::size_t>(n);
  const std::span<double> d = memory.first(count), e = memory.subspan(count, count),
                          tau = memory.subspan(2 * count, count);
  make_tridiagonal(team, n, a, d, e, tau, q);
  set_identity(team, n, q);
  // Every rank goes through all rotations, with some of the columns.
  const std::span<double> values(reinterpret_cast<double*>(scratch()), count), beside(values.data() + count, count);
  std::ranges::copy(d, values.begin());
  std::ranges::copy(e, beside.begin());
  const Range mine = team.split(n, alignment / static_cast<Index>(sizeof(T)));
  diagonalize(values, beside, [&](Index i, double c, double s) {
    rotate(static_cast<T>(c), static_cast<T>(s), q + i * n + mine.begin, q + (i + 1) * n + mine.begin, mine.size());
  });
  team.barrier();
  if (team.rank() == 0) {
    for (Index i = 0; i < n; ++i) {
      const auto largest = std::max_element(values.begin() + i, values.end());
      std::swap(*largest, values[static_cast<std::size_t>(i)]);
      if (const Index k = largest - values.begin(); k != i) {
        std::swap_ranges(q + i * n, q + (i + 1) * n, q + k * n);
      }
    }
  }
  team.barrier();
  reflect_back(team, n, 1, n - 1, a, tau, q);
}

template void orthonormalize(const Team&, Index, float*, float*, std::span<double>);
template void orthonormalize(const Team&, Index, double*, double*, std::span<double>);
template void find_eigenvectors(const Team&, Index, float*, float*, std::span<double>);
template void find_eigenvectors(const Team&, Index, double*, double*, std::span<double>);

}  // namespace fastopt
