// Division by the roots of running means of squares, of each element or of rows and columns.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/buffer.h"
#include "kernels/reduce/args.h"
#include "optim/matrix.h"
#include "runtime/cpu.h"

namespace fastopt {

namespace {

constexpr Index block_rows = 64;  // whose squares are added up by columns before those of other blocks

// A mean of squares from their sum, which may have overflowed where they have not.
template <class T>
double mean_of(double sum, Index count) {
  constexpr double bound = sizeof(T) == sizeof(float) ? 0x1p126 : 0x1p1022;
  return std::min(sum / static_cast<double>(count), bound);
}

Index blocks_of(Index rows) {
  return (rows + block_rows - 1) / block_rows;
}

}  // namespace

template <class T>
Index Matrix<T>::means_memory(Sides sides) {
  return round_up(sides.size(), alignment) + sides.count * blocks_of(sides.rows) * sides.columns;
}

template <class T>
void Matrix<T>::divide_by_mean(double p, double epsilon, T* v) const {
  const Range mine = team.split(size(), alignment);
  const T part = static_cast<T>(p), rest = static_cast<T>(1 - p), more = static_cast<T>(epsilon);
  T* const x = room();
  for (Index i = mine.begin; i < mine.end; ++i) {
    v[i] = rest * v[i] + part * (x[i] * x[i] + more);
    x[i] /= std::sqrt(v[i]);
  }
  team.barrier();
}

template <class T>
void Matrix<T>::divide_by_means(double p, double epsilon, T* r, T* c) const {
  const Index blocks = blocks_of(rows);  // of each matrix
  T* const partial = memory + round_up(size(), alignment);
  const auto moved = [&](T mean, double sum, Index of) {
    return static_cast<T>((1 - p) * static_cast<double>(mean) + p * (mean_of<T>(sum, of) + epsilon));
  };
  // f(number of the block, its first row, its last) for this rank's share, rows being those of all matrices.
  const auto for_blocks = [&](auto&& f) {
    const Range mine = team.split(count * blocks);
    for (Index k = mine.begin; k < mine.end; ++k) {
      const Index first = k / blocks * rows + k % blocks * block_rows;
      f(k, first, std::min(first + block_rows, (k / blocks + 1) * rows));
    }
  };
  for_blocks([&](Index k, Index first, Index last) {
    T* const sum = partial + k * columns;
    std::fill_n(sum, columns, T(0));
    for (Index i = first; i < last; ++i) {
      const T* const x = room() + i * columns;
      r[i] = moved(r[i], kernels<T>().reduce.sum_of_squares(x, columns), columns);
      for (Index j = 0; j < columns; ++j) {
        sum[j] += x[j] * x[j];
      }
    }
  });
  team.barrier();
  // The first block of each matrix gets the factors of its columns.
  const Range mine = team.split(columns, alignment / static_cast<Index>(sizeof(T)));
  for (Index n = 0; n < count; ++n) {
    T* const by_column = partial + n * blocks * columns;
    for (Index j = mine.begin; j < mine.end; ++j) {
      double sum = 0;
      for (Index k = 0; k < blocks; ++k) {
        sum += static_cast<double>(by_column[k * columns + j]);
      }
      T& mean = c[n * columns + j];
      mean = moved(mean, sum, rows);
      by_column[j] = static_cast<T>(1 / std::sqrt(static_cast<double>(mean)));
    }
  }
  team.barrier();
  Index matrix_of_mean = -1;
  double mean = 0;
  for_blocks([&](Index k, Index first, Index last) {
    const Index n = k / blocks;
    if (n != matrix_of_mean) {
      matrix_of_mean = n;
      mean = 0;
      for (Index i = n * rows; i < (n + 1) * rows; ++i) {
        mean += static_cast<double>(r[i]) / static_cast<double>(rows);
      }
    }
    const T* const by_column = partial + n * blocks * columns;
    for (Index i = first; i < last; ++i) {
      const T by_row = static_cast<T>(std::sqrt(mean) / std::sqrt(static_cast<double>(r[i])));
      T* const x = room() + i * columns;
      for (Index j = 0; j < columns; ++j) {
        x[j] = by_row * x[j] * by_column[j];
      }
    }
  });
  team.barrier();
}

template <class T>
void Matrix<T>::average(double b, double factor, T* m) const {
  const Range mine = team.split(size(), alignment);
  const T kept = static_cast<T>(b), part = static_cast<T>((1 - b) * factor);
  T* const x = room();
  for (Index i = mine.begin; i < mine.end; ++i) {
    x[i] = m[i] = kept * m[i] + part * x[i];
  }
  team.barrier();
}

template void Matrix<float>::divide_by_mean(double, double, float*) const;
template void Matrix<double>::divide_by_mean(double, double, double*) const;
template void Matrix<float>::divide_by_means(double, double, float*, float*) const;
template void Matrix<double>::divide_by_means(double, double, double*, double*) const;
template void Matrix<float>::average(double, double, float*) const;
template void Matrix<double>::average(double, double, double*) const;
template Index Matrix<float>::means_memory(Sides);
template Index Matrix<double>::means_memory(Sides);

}  // namespace fastopt
