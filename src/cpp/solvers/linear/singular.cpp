#include "solvers/linear/singular.h"

#include <algorithm>
#include <cmath>

namespace fastopt::solvers {

namespace {

void rotate(double c, double s, Out x, Out y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double before = x[i];
    x[i] = c * before - s * y[i];
    y[i] = s * before + c * y[i];
  }
}

}  // namespace

void orthogonalize(Out a, Out v, Out sigma, const Look& look) {
  const std::size_t n = sigma.size(), m = n == 0 ? 0 : a.size() / n;
  std::ranges::fill(v, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    v[i * n + i] = 1;
  }
  bool turned = true;
  for (int sweep = 0; turned && sweep < 60; ++sweep) {
    turned = false;
    for (std::size_t i = 0; i < n; ++i) {
      look(12 * static_cast<double>((n - i) * (n + m)));
      for (std::size_t j = i + 1; j < n; ++j) {
        const Out x = a.subspan(i * m, m), y = a.subspan(j * m, m);
        const double xx = dot(x, x), yy = dot(y, y), xy = dot(x, y);
        if (xy == 0 || std::abs(xy) <= 1e-15 * std::sqrt(xx) * std::sqrt(yy)) {
          continue;
        }
        turned = true;
        const double zeta = (yy - xx) / (2 * xy);
        const double t = std::copysign(1 / (std::abs(zeta) + std::hypot(1.0, zeta)), zeta), c = 1 / std::hypot(1.0, t);
        rotate(c, c * t, x, y);
        rotate(c, c * t, v.subspan(i * n, n), v.subspan(j * n, n));
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    sigma[i] = norm(a.subspan(i * m, m));
  }
}

}  // namespace fastopt::solvers
