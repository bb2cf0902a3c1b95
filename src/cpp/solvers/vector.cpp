#include "solvers/vector.h"

#include <algorithm>
#include <cmath>

#include "kernels/vector/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::solvers {

namespace {

Index length(In x) {
  return static_cast<Index>(x.size());
}

}  // namespace

// From the last part to the first: what a pass has read last may still be in cache.
void for_parts(Index size, Index rows, const std::function<void(Range part)>& work) {
  const double cost = reading_cost * static_cast<double>(size * rows);
  parallel_for((size + part_size - 1) / part_size, 1, cost, [&](Range share) {
    for (Index k = share.end; k-- > share.begin;) {
      work({k * part_size, std::min(size, (k + 1) * part_size)});
    }
  });
}

void sum_over_parts(Index size, Index rows, Out sums, const std::function<void(Range part, double* sums)>& work) {
  const Index parts = (size + part_size - 1) / part_size, count = static_cast<Index>(sums.size());
  Vector found(static_cast<std::size_t>(parts * count));
  parallel_for(parts, 1, reading_cost * static_cast<double>(size * rows), [&](Range share) {
    for (Index k = share.begin; k < share.end; ++k) {
      work({k * part_size, std::min(size, (k + 1) * part_size)}, found.data() + k * count);
    }
  });
  std::ranges::fill(sums, 0.0);
  for (std::size_t i = 0; i < found.size(); ++i) {
    sums[i % sums.size()] += found[i];
  }
}

void products(Vectors rows, Vectors columns, Index size, Out matrix) {
  const auto& kernel = kernels<double>().vector;
  sum_over_parts(size, static_cast<Index>(matrix.size()), matrix, [&](Range part, double* sums) {
    for (const double* const row : rows) {
      for (const double* const column : columns) {
        *sums++ = kernel.dot(row + part.begin, column + part.begin, part.size());
      }
    }
  });
}

double dot(In x, In y) {
  const double *const row = x.data(), *const column = y.data();
  double product = 0;
  products({&row, 1}, {&column, 1}, length(x), {&product, 1});
  return product;
}

double largest(In x) {
  return kernels<double>().vector.largest(x.data(), length(x));
}

double norm(In x) {
  const double direct = dot(x, x);
  if (std::isfinite(direct) && direct > 1e-290) {
    return std::sqrt(direct);
  }
  const double scale = largest(x);
  if (scale == 0 || !std::isfinite(scale)) {
    return scale;
  }
  Vector scaled(x.begin(), x.end());
  for (double& v : scaled) {
    v /= scale;
  }
  return scale * std::sqrt(dot(scaled, scaled));
}

bool all_finite(In x) {
  return std::isfinite(largest(x));
}

void combine(Vectors rows, In c, Out y) {
  const Index count = static_cast<Index>(rows.size());
  for_parts(length(y), count, [&](Range part) {
    kernels<double>().vector.combine(y.data(), rows.data(), c.data(), count, part, y.data());
  });
}

void move(In x, double a, In u, Out y) {
  const double* const row = u.data();
  for_parts(length(y), 2, [&](Range part) { kernels<double>().vector.combine(x.data(), &row, &a, 1, part, y.data()); });
}

void add(double a, In x, Out y) {
  move(y, a, x, y);
}

void multiply(In matrix, In x, Out y) {
  const Index columns = length(x);
  parallel_for(length(y), 1, reading_cost * static_cast<double>(matrix.size()), [&](Range share) {
    for (Index i = share.begin; i < share.end; ++i) {
      y[static_cast<std::size_t>(i)] = kernels<double>().vector.dot(matrix.data() + i * columns, x.data(), columns);
    }
  });
}

void add_two(const std::function<std::array<double, 2>(std::size_t i)>& c, In s, In u, Out matrix) {
  const Index n = length(s);
  const double* const rows[] = {s.data(), u.data()};
  parallel_for(n, 1, reading_cost * static_cast<double>(matrix.size()), [&](Range share) {
    for (Index i = share.begin; i < share.end; ++i) {
      double* const row = matrix.data() + i * n;
      kernels<double>().vector.combine(row, rows, c(static_cast<std::size_t>(i)).data(), 2, {0, n}, row);
    }
  });
}

}  // namespace fastopt::solvers
