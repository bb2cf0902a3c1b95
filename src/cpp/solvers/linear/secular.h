// The step of a quadratic model that a radius bounds, in the basis of its eigenvectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "solvers/vector.h"

namespace fastopt::solvers {

// p minimizes a'p + sum_i lambda_i p_i^2 / 2 within |p| <= radius: p_i = -a_i / (lambda_i + mu), with mu >= 0 as small
// as the radius allows and lambda_i + mu >= 0. Eigenvalues rise. Conn, Gould and Toint, Trust Region Methods
// (2000), 7.3.
inline void minimize_within(In a, In lambda, double radius, Out p) {
  const auto fill = [&](double mu) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double shifted = lambda[i] + mu;
      p[i] = a[i] == 0     ? 0
             : shifted > 0 ? -a[i] / shifted
                           : -std::copysign(std::numeric_limits<double>::infinity(), a[i]);
    }
    return norm(p);
  };
  const double least = std::max(0.0, -lambda.front());
  const double length = fill(least);
  if (length <= radius) {
    if (least > 0) {  // the hard case: what is missing goes along the first eigenvector
      p[0] = std::copysign(std::sqrt(std::max(0.0, radius * radius - (length * length - p[0] * p[0]))), p[0]);
    }
    return;
  }
  // 1/radius - 1/|p(mu)| is almost linear and rises; Newton's steps are kept between bounds.
  double low = least, high = norm(a) / radius + least, mu = std::isfinite(length) ? low : std::midpoint(low, high);
  for (int step = 0; step < 100; ++step) {
    const double size = fill(mu);
    if (std::abs(size - radius) <= 1e-10 * radius || !(low < high)) {
      break;
    }
    (size > radius ? low : high) = mu;
    double derivative = 0;  // of |p|^2 / 2
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (p[i] != 0) {
        derivative -= p[i] * p[i] / (lambda[i] + mu);
      }
    }
    const double next = mu + size * size * (radius - size) / (radius * derivative);
    mu = next > low && next < high ? next : std::midpoint(low, high);
    if (mu == low || mu == high) {
      break;
    }
  }
}

// What the model a'p + sum_i lambda_i p_i^2 / 2 says that p gains.
inline double predicted(In a, In lambda, In p) {
  double gain = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    gain -= p[i] * (a[i] + lambda[i] * p[i] / 2);
  }
  return gain;
}

}  // namespace fastopt::solvers
