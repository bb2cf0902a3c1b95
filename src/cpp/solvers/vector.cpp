#include "solvers/vector.h"

#include <algorithm>
#include <cmath>

#include "kernels/vector/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::solvers {

namespace {

constexpr Index chunk = 1024;  // of several vectors stay in the first-level cache together

Index length(In x) {
  return static_cast<Index>(x.size());
}

}  // namespace

void products(Vectors rows, Vectors columns, Index size, Out matrix) {
  const auto& kernels = kernel_table().vector;
  const Index chunks = (size + chunk - 1) / chunk;
  const std::size_t count = matrix.size();
  Vector parts(static_cast<std::size_t>(chunks) * count);
  parallel_for(chunks, 1, reading_cost * static_cast<double>(size * static_cast<Index>(count)), [&](Range share) {
    for (Index c = share.begin; c < share.end; ++c) {
      const Index first = c * chunk, width = std::min(chunk, size - first);
      double* part = parts.data() + static_cast<std::size_t>(c) * count;
      for (const double* const row : rows) {
        for (const double* const column : columns) {
          *part++ = kernels.dot(row + first, column + first, width);
        }
      }
    }
  });
  std::ranges::fill(matrix, 0.0);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    matrix[i % count] += parts[i];
  }
}

double dot(In x, In y) {
  const double *const row = x.data(), *const column = y.data();
  double product = 0;
  products({&row, 1}, {&column, 1}, length(x), {&product, 1});
  return product;
}

double largest(In x) {
  double most = 0;
  for (const double v : x) {
    if (!(std::abs(v) <= most)) {
      most = std::abs(v);
    }
    if (std::isnan(v)) {
      return v;
    }
  }
  return most;
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
  const auto& kernels = kernel_table().vector;
  const Index size = length(y), count = static_cast<Index>(rows.size());
  parallel_for((size + chunk - 1) / chunk, 1, reading_cost * static_cast<double>(size * count), [&](Range share) {
    for (Index k = share.begin; k < share.end; ++k) {
      kernels.combine(rows.data(), c.data(), count, {k * chunk, std::min(size, (k + 1) * chunk)}, y.data());
    }
  });
}

void add(double a, In x, Out y) {
  const double* const row = x.data();
  combine({&row, 1}, {&a, 1}, y);
}

void multiply(In matrix, In x, Out y) {
  const Index columns = length(x);
  parallel_for(length(y), 1, reading_cost * static_cast<double>(matrix.size()), [&](Range share) {
    for (Index i = share.begin; i < share.end; ++i) {
      y[static_cast<std::size_t>(i)] = kernel_table().vector.dot(matrix.data() + i * columns, x.data(), columns);
    }
  });
}

void add_two(const std::function<std::array<double, 2>(std::size_t i)>& c, In s, In u, Out matrix) {
  const Index n = length(s);
  const double* const rows[] = {s.data(), u.data()};
  parallel_for(n, 1, reading_cost * static_cast<double>(matrix.size()), [&](Range share) {
    for (Index i = share.begin; i < share.end; ++i) {
      kernel_table().vector.combine(rows, c(static_cast<std::size_t>(i)).data(), 2, {0, n}, matrix.data() + i * n);
    }
  });
}

}  // namespace fastopt::solvers
