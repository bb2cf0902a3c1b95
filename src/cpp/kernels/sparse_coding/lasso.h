// Coordinate descent for the lasso, with the Gram matrix (Friedman, Hastie and Tibshirani, J. Stat. Softw. 33, 2010).
#pragma once

#include <cmath>
#include <limits>

#include "kernels/sparse_coding/args.h"
#include "kernels/sparse_coding/subtract.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
struct CoordinateDescent {
  const Lasso<T>& all;
  T *const c = all.code, *const q = all.residual;  // q = D (x - c D)' = b - c G

  void correlate() {
    for_each_vector<T>(all.width, [&](Index j, auto load, auto store) { store(load(all.correlations + j), q + j); });
    subtract<T>(c, all.width, {all.gram, all.width}, all.width, q);
  }

  // One sweep over all coordinates in order; zeros that stay zero are passed over, a vector of them at once. Returns
  // sum_j G_jj (change of c_j)^2: no more than the cost fell.
  double sweep() {
    using V = Vec<T>;
    const V limit = static_cast<T>(all.penalty / 2), lane(lane_numbers<T>.data(), stdx::element_aligned);
    double change = 0;
    for (Index v = 0; v < all.width; v += lanes<T>) {
      for (int next = 0; next < lanes<T>;) {
        const V code = load<T>(c + v), slope = load<T>(q + v);
        const Mask<T> moves = (code != V(0) || slope > limit || slope < -limit) && lane >= V(static_cast<T>(next));
        if (none_of(moves)) {
          break;
        }
        const int first = find_first_set(moves);
        change += move(v + first);
        next = first + 1;
      }
    }
    return change;
  }

  // Sweeps over the coordinates that are not 0 alone, while they change by more than is small.
  Index sweep_active(Index left, double small) {
    Index count = 0;
    for (Index j = 0; j < all.width; ++j) {
      all.active[count] = j;
      count += c[j] != 0 ? 1 : 0;
    }
    double change = 0;
    do {
      change = 0;
      for (Index i = 0; i < count; ++i) {
        change += move(all.active[i]);
      }
      --left;
    } while (left > 0 && change > small);
    return left;
  }

  // c_j <- sign(z) max(|z| - limit, 0) / G_jj with z = q_j + G_jj c_j: where the cost is least.
  double move(Index j) {
    const T* const row = all.gram + j * all.width;
    const T limit = static_cast<T>(all.penalty / 2), z = q[j] + row[j] * c[j];
    const T above = z - limit, below = z + limit;
    const T best = ((above > 0 ? above : 0) + (below < 0 ? below : 0)) * all.inverse[j], change = best - c[j];
    if (change == 0) {
      return 0;
    }
    c[j] = best;
    subtract_row<T>(row, change, all.width, q);
    return static_cast<double>(row[j]) * static_cast<double>(change) * static_cast<double>(change);
  }

  // Twice primal minus dual of |x - c D|^2 / 2 + limit |c|_1, at the dual point s (x - c D): how far the cost is from
  // the least, or more. |x - c D|^2 = |x|^2 - c'(b + q) with b = D x.
  double gap() const {
    double with_b = 0, with_q = 0, sum = 0, largest = 0;
    for (Index j = 0; j < all.width; ++j) {
      const double code = c[j], slope = q[j];
      with_b += code * static_cast<double>(all.correlations[j]);
      with_q += code * slope;
      sum += std::abs(code);
      largest = std::abs(slope) > largest ? std::abs(slope) : largest;
    }
    const double limit = all.penalty / 2, s = largest > limit ? limit / largest : 1;
    const double rest = all.square - with_b - with_q > 0 ? all.square - with_b - with_q : 0;
    return (1 + s * s) * rest + 2 * limit * sum - 2 * s * (rest + with_q);
  }

  // Sweeps until the gap is closed or c no longer changes but for rounding; false where the sweeps did not suffice.
  bool solve() {
    constexpr double rounding = 4 * static_cast<double>(std::numeric_limits<T>::epsilon());
    const double least = rounding * rounding * all.square, wanted = all.tolerance * all.square;
    double small = wanted > least ? wanted : least;
    for (Index left = all.sweeps;;) {
      correlate();
      if (gap() <= wanted) {
        return true;
      }
      if (left == 0) {
        return false;
      }
      const double change = sweep();
      if (change <= least) {
        return true;
      }
      --left;
      if (left > 0 && change > small) {
        left = sweep_active(left, small > change / 10 ? small : change / 10);
      } else {
        small = small / 4 > least ? small / 4 : least;
      }
    }
  }
};

template <class T>
bool lasso(const Lasso<T>& p) {
  return CoordinateDescent<T>{p}.solve();
}

}  // namespace fastopt::FASTOPT_ISA
