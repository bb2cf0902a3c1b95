#include "ops/columns.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/gather/args.h"
#include "kernels/reduce/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt {

Interpolation::Interpolation(const double* knots, const double* heights, const double* slopes, Index count)
    : heights_(heights), slopes_(slopes), low_(knots[0]), high_(knots[count - 1]) {
  constexpr Index cells = 1024;
  const double scale = cells / (high_ - low_);
  if (scale > 0 && std::isfinite(scale)) {  // else all are in one cell
    origin_ = low_;
    scale_ = scale;
  }
  std::vector<Index> counts(cells + 1);
  for (Index i = 0; i < count; ++i) {
    ++counts[static_cast<std::size_t>(cell(knots[i]))];
  }
  Index before = 0, most = 0;
  for (const Index in_cell : counts) {
    first_.push_back(std::max<Index>(before - 1, 0));
    before += in_cell;
    most = std::max(most, in_cell);
  }
  step_ = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(most)));
  knots_.assign(knots, knots + count);
  knots_.resize(static_cast<std::size_t>(count + 2 * step_), std::numeric_limits<double>::infinity());
}

// The searches for all numbers go side by side, as each step of one waits for the last.
template <class T>
void Interpolation::apply(const double* x, Index size, Index* places, T* y) const {
  for (Index i = 0; i < size; ++i) {
    places[i] = first_[static_cast<std::size_t>(cell(std::clamp(x[i], low_, high_)))];
  }
  for (Index step = step_; step > 0; step /= 2) {
    const double* const ahead = knots_.data() + step;
    for (Index i = 0; i < size; ++i) {
      places[i] += ahead[places[i]] <= x[i] ? step : 0;
    }
  }
  for (Index i = 0; i < size; ++i) {
    const Index place = places[i];
    const double beyond = std::clamp(x[i], low_, high_) - knots_[static_cast<std::size_t>(place)];
    y[i] = static_cast<T>(slopes_[place] * beyond + heights_[place]);
  }
}

namespace ops {

namespace {

constexpr Index tile = 256;  // rows that are done at a time, which stay in the first cache

template <class T>
bool encode(const TableColumn<T>& c, Range rows, Index stride) {
  std::array<double, tile> x;
  std::array<T, tile> y;
  std::array<Index, tile> places;
  kernels<double>().gather.rows({.type = c.type,
                                 .data = static_cast<const char*>(c.x) + rows.begin * c.step,
                                 .row_stride = 0,
                                 .column_stride = c.step,
                                 .rows = 1,
                                 .columns = rows.size(),
                                 .to = {x.data(), tile, nullptr}});
  const Index n = rows.size();
  T* const to = c.y + rows.begin * stride;
  if (c.categories > 0) {
    for (Index i = 0; i < n; ++i) {
      if (x[i] >= 1 && x[i] <= static_cast<double>(c.categories)) {
        to[i * stride + static_cast<Index>(x[i]) - 1] = 1;
      }
    }
    return true;
  }
  for (Index i = 0; i < n; ++i) {
    x[i] -= c.offset;
  }
  for (Index i = 0; i < n && c.missing; ++i) {
    c.missing[(rows.begin + i) * stride] = static_cast<T>(x[i] != x[i]);
  }
  for (Index i = 0; i < n; ++i) {
    x[i] = x[i] != x[i] ? c.fill : x[i];
  }
  if (kernels<double>().reduce.first_nonfinite(x.data(), n) >= 0) {
    return false;
  }
  if (c.function) {
    c.function.apply(x.data(), n, places.data(), y.data());
  } else {
    for (Index i = 0; i < n; ++i) {
      y[i] = static_cast<T>(x[i] * c.factor);
    }
  }
  if (c.limit > 0) {
    const T part = static_cast<T>(1 / c.limit);
    for (Index i = 0; i < n; ++i) {
      const T bounded = std::clamp(y[i], T(-1e15), T(1e15)), z = bounded * part;  // a square is finite
      y[i] = bounded / std::sqrt(z * z + 1);
    }
  }
  for (Index i = 0; i < n; ++i) {
    to[i * stride] = y[i];
  }
  return kernels<T>().reduce.first_nonfinite(y.data(), n) < 0;
}

}  // namespace

template <class T>
bool encode(const std::vector<TableColumn<T>>& columns, Index rows, Index stride) {
  std::atomic<bool> finite{true};
  const double numbers = static_cast<double>(rows) * static_cast<double>(columns.size());
  run_team(threads_for(3 * elementwise_cost * numbers), false, [&](const Team& team) {
    const Range share = team.split(rows, tile);
    for (Index begin = share.begin; begin < share.end; begin += tile) {
      for (const TableColumn<T>& column : columns) {
        if (!encode(column, {begin, std::min(begin + tile, share.end)}, stride)) {
          finite = false;
        }
      }
    }
  });
  return finite;
}

template bool encode(const std::vector<TableColumn<float>>&, Index, Index);
template bool encode(const std::vector<TableColumn<double>>&, Index, Index);

}  // namespace ops

}  // namespace fastopt
