#include "optim/matrix.h"

#include <algorithm>

#include "core/norm.h"
#include "kernels/reduce/args.h"
#include "ops/panels.h"
#include "runtime/cpu.h"
#include "runtime/scratch.h"

namespace fastopt {

namespace {

constexpr Index strip = 48;  // rows of a symmetric matrix that are computed at once, from the diagonal on
constexpr Index block = 32;  // of a transposed copy

// No multiple of 4 KiB, which would have the rows share places in the cache.
Index stride_of(Index side) {
  return round_up(side, alignment) + alignment;
}

template <class T>
Index padded(Index size) {
  return round_up(size, alignment);
}

// f(k) for this rank's share of 0..count-1, of which the last ones cost least.
template <class F>
void for_falling(const Team& team, Index count, F&& f) {
  for (Index k = 0; k < count; ++k) {
    const Index turn = k / team.size(), place = k % team.size();
    if ((turn % 2 == 0 ? place : team.size() - 1 - place) == team.rank()) {
      f(k);
    }
  }
}

}  // namespace

template <class T>
Index Matrix<T>::orthogonal_memory(Sides sides) {
  const Index rows = sides.rows, columns = sides.columns, side = std::min(rows, columns);
  const Index packed =
      std::max({packed_size<T>(rows, columns), packed_size<T>(columns, rows), packed_size<T>(side, side)});
  return 2 * padded<T>(rows * columns) + 2 * padded<T>(side * stride_of(side)) + packed;
}

template <class T>
Index Matrix<T>::stride() const {
  return stride_of(side());
}

template <class T>
T* Matrix<T>::second_room() const {
  return memory + padded<T>(size());
}

template <class T>
T* Matrix<T>::square(int which) const {
  return memory + 2 * padded<T>(size()) + which * padded<T>(side() * stride());
}

template <class T>
void Matrix<T>::pack(const T* b, Index b_stride, bool transposed, Index depth, Index width) const {
  pack_share(team, b, b_stride, transposed, depth, width, square(2));
  team.barrier();
}

template <class T>
double Matrix<T>::norm(const T* x) const {
  const Index chunks = (size() + chunk - 1) / chunk;
  const Range mine = team.split(chunks);
  for (Index i = mine.begin; i < mine.end; ++i) {
    sums[static_cast<std::size_t>(i)] =
        kernels<T>().reduce.sum_of_squares(x + i * chunk, std::min(chunk, size() - i * chunk));
  }
  team.barrier();
  double all = 0;
  for (Index i = 0; i < chunks; ++i) {
    all += sums[static_cast<std::size_t>(i)];
  }
  team.barrier();
  return static_cast<double>(norm_of(all, size(), [&](Index i) { return x[i]; }));
}

template <class T>
void Matrix<T>::scale(const T* x, double factor, T* y) const {
  const Range mine = team.split(size(), alignment);
  std::transform(x + mine.begin, x + mine.end, y + mine.begin, [by = static_cast<T>(factor)](T v) { return by * v; });
  team.barrier();
}

// c[i][j] <- f(i, j, c[i][j]) on and above the diagonal, and the same below it.
template <class T>
template <class F>
void Matrix<T>::mirror(T* c, F&& f) const {
  const Index n = side(), s = stride();
  for_falling(team, (n + block - 1) / block, [&](Index k) {
    const Index top = k * block, bottom = std::min(n, top + block);
    for (Index left = top; left < n; left += block) {
      const Index right = std::min(n, left + block);
      for (Index i = top; i < bottom; ++i) {
        for (Index j = std::max(i, left); j < right; ++j) {
          c[i * s + j] = f(i, j, c[i * s + j]);
        }
      }
      for (Index j = left; j < right; ++j) {
        for (Index i = top; i < std::min(bottom, j); ++i) {
          c[j * s + i] = c[i * s + j];
        }
      }
    }
  });
  team.barrier();
}

// c <- op(a) b with the packed b, on and above the diagonal; [side, side].
template <class T>
void Matrix<T>::multiply_symmetric(const T* a, bool a_transposed, Index a_stride, Index depth, T* c) const {
  const Index n = side(), width = kernels<T>().product.packed_width(n);
  const Product<T> all{.rows = n,
                       .columns = n,
                       .depth = depth,
                       .a = {a, a_stride},
                       .a_transposed = a_transposed,
                       .b = packed_panels<T>(square(2), depth, n),
                       .c = {c, stride()}};
  for_falling(team, (n + strip - 1) / strip, [&](Index k) {
    const Range mine{k * strip, std::min(n, (k + 1) * strip)};
    Product<T> part = all.part(mine).columns_part({mine.begin / width * width, n}, width);
    part.scratch = scratch();
    kernels<T>().product.multiply(part);
  });
  team.barrier();
}

template <class T>
void Matrix<T>::gram(const T* x, T* a) const {
  const bool tall = rows > columns;
  const Index depth = std::max(rows, columns);
  pack(x, columns, !tall, depth, side());
  multiply_symmetric(x, tall, columns, depth, a);
  mirror(a, [](Index, Index, T v) { return v; });
}

template <class T>
void Matrix<T>::polynomial(double p, double q, double r, const T* a, T* b) const {
  pack(a, stride(), false, side(), side());
  multiply_symmetric(a, false, stride(), side(), b);
  mirror(b, [=, this, p = static_cast<T>(p), q = static_cast<T>(q), r = static_cast<T>(r)](Index i, Index j, T v) {
    const T value = q * a[i * stride() + j] + r * v;
    return i == j ? p + value : value;
  });
}

template <class T>
void Matrix<T>::transform(const T* b, const T* x, T* y) const {
  const bool tall = rows > columns;
  tall ? pack(b, stride(), false, columns, columns) : pack(x, columns, false, rows, columns);
  const Product<T> all{.rows = rows,
                       .columns = columns,
                       .depth = side(),
                       .a = {tall ? x : b, tall ? columns : stride()},
                       .b = packed_panels<T>(square(2), side(), columns),
                       .c = {y, columns}};
  Product<T> mine = all.part(team.split(rows));
  mine.scratch = scratch();
  if (mine.rows > 0) {
    kernels<T>().product.multiply(mine);
  }
  team.barrier();
}

template class Matrix<float>;
template class Matrix<double>;

}  // namespace fastopt
