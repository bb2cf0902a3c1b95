// The eigenvectors of the sums of squares of a matrix, by rows and by columns, and Adam in their bases.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/panels.h"
#include "optim/eigen.h"
#include "optim/matrix.h"
#include "runtime/cpu.h"
#include "runtime/scratch.h"

namespace fastopt {

template <class T>
Index Matrix<T>::bases_memory(Sides s) {
  Index square = 0, packed = std::max(packed_size<T>(s.rows, s.columns), packed_size<T>(s.columns, s.rows));
  for (const Index side : {s.rows, s.columns}) {
    if (side <= s.longest) {
      square = std::max(square, side * side);
      packed = std::max(packed, packed_size<T>(side, side));
    }
  }
  return 3 * round_up(s.size(), alignment) + 2 * round_up(square, alignment) + packed;
}

template <class T>
T* Matrix<T>::room_at(int which) const {
  return memory + which * round_up(size(), alignment);
}

// As long as the longest side that has bases, squared.
template <class T>
T* Matrix<T>::basis_square(int which) const {
  const Index a = rows <= longest ? rows : 0, b = columns <= longest ? columns : 0, side = std::max(a, b);
  return room_at(3) + which * round_up(side * side, alignment);
}

// c <- op(a) op(b), [rows, columns]; a and b are contiguous.
template <class T>
void Matrix<T>::multiply(Factor a, Factor b, Index m, Index depth, Index n, T* c) const {
  T* const packed = basis_square(2);
  pack_share(team, b.data, b.transposed ? depth : n, b.transposed, depth, n, packed);
  team.barrier();
  const Product<T> all{.rows = m,
                       .columns = n,
                       .depth = depth,
                       .a = {a.data, a.transposed ? m : depth},
                       .a_transposed = a.transposed,
                       .b = packed_panels<T>(packed, depth, n),
                       .c = {c, n}};
  Product<T> mine = all.part(team.split(m));
  mine.scratch = scratch();
  if (mine.rows > 0) {
    kernels<T>().product.multiply(mine);
  }
  team.barrier();
}

template <class T>
void Matrix<T>::change_bases(const T* ql, const T* qr, bool back, const T* x, T* y) const {
  T* const half = qr ? room_at(2) : y;
  if (ql) {
    multiply({ql, back}, {x, false}, rows, rows, columns, half);
  }
  if (qr) {
    multiply({ql ? half : x, false}, {qr, !back}, rows, columns, columns, y);
  }
  if (!ql && !qr) {
    scale(x, 1, y);
  }
}

template <class T>
void Matrix<T>::adam(const double* c, T* p, T* m, T* v) const {
  const Range mine = team.split(size(), alignment);
  const T m_kept = static_cast<T>(c[1]), m_part = static_cast<T>(c[2]), v_kept = static_cast<T>(c[3]),
          v_part = static_cast<T>(c[4]), epsilon = static_cast<T>(c[5]);
  for (Index i = mine.begin; i < mine.end; ++i) {
    m[i] = m_kept * m[i] + m_part * p[i];
    v[i] = v_kept * v[i] + v_part * (p[i] * p[i]);
    p[i] = m[i] / (std::sqrt(v[i]) + epsilon);
  }
  team.barrier();
}

template <class T>
void Matrix<T>::add_squares(double b, const T* x, T* l, T* r) const {
  T* const square = basis_square(0);
  const auto move = [&](T* mean, Index side) {
    const Range mine = team.split(side * side, alignment);
    const T kept = static_cast<T>(b), part = static_cast<T>(1 - b);
    for (Index i = mine.begin; i < mine.end; ++i) {
      mean[i] = kept * mean[i] + part * square[i];
    }
    team.barrier();
  };
  if (l) {
    multiply({x, false}, {x, true}, rows, columns, rows, square);
    move(l, rows);
  }
  if (r) {
    multiply({x, true}, {x, false}, columns, rows, columns, square);
    move(r, columns);
  }
}

template <class T>
void Matrix<T>::find_bases(const T* l, const T* r, T* ql, T* qr) const {
  const auto find = [&](const T* mean, Index side, T* q) {
    T* const square = basis_square(0);
    const Range mine = team.split(side * side, alignment);
    std::copy(mean + mine.begin, mean + mine.end, square + mine.begin);
    team.barrier();
    find_eigenvectors(team, side, square, q, sums);
  };
  if (l) {
    find(l, rows, ql);
  }
  if (r) {
    find(r, columns, qr);
  }
}

template <class T>
void Matrix<T>::turn_bases(const T* l, const T* r, T* ql, T* qr, T* v) const {
  // order: of the rows of q, by falling estimates of the eigenvalues, q_i . (q mean)_i
  const auto turn = [&](const T* mean, Index side, T* q, auto&& source) {
    T *const powers = basis_square(0), *const sorted = basis_square(1);
    multiply({q, false}, {mean, false}, side, side, side, powers);
    const auto n = static_cast<std::size_t>(side);
    const std::span<double> values = sums.first(n), order = sums.subspan(n, n);
    const Range mine = team.split(side);
    for (Index i = mine.begin; i < mine.end; ++i) {
      const double value =
          std::transform_reduce(q + i * side, q + (i + 1) * side, powers + i * side, 0.0, std::plus<>(),
                                [](T a, T b) { return static_cast<double>(a) * static_cast<double>(b); });
      values[static_cast<std::size_t>(i)] = std::isnan(value) ? 0 : value;  // which have no order
    }
    team.barrier();
    if (team.rank() == 0) {
      std::iota(order.begin(), order.end(), 0.0);
      std::ranges::sort(order, [&](double i, double j) {
        const double a = values[static_cast<std::size_t>(i)], b = values[static_cast<std::size_t>(j)];
        return a > b || (a == b && i < j);
      });
    }
    team.barrier();
    const auto place = [&](Index i) { return static_cast<Index>(order[static_cast<std::size_t>(i)]); };
    for (Index i = mine.begin; i < mine.end; ++i) {
      std::copy_n(powers + place(i) * side, side, sorted + i * side);
    }
    T* const copy = room_at(2);
    scale(v, 1, copy);
    const Range part = team.split(rows);
    for (Index i = part.begin; i < part.end; ++i) {
      for (Index j = 0; j < columns; ++j) {
        v[i * columns + j] = copy[source(i, j, place)];
      }
    }
    team.barrier();
    orthonormalize(team, side, sorted, q, sums.subspan(2 * n));
  };
  if (l) {
    turn(l, rows, ql, [&](Index i, Index j, auto&& place) { return place(i) * columns + j; });
  }
  if (r) {
    turn(r, columns, qr, [&](Index i, Index j, auto&& place) { return i * columns + place(j); });
  }
}

template Index Matrix<float>::bases_memory(Sides);
template void Matrix<float>::change_bases(const float*, const float*, bool, const float*, float*) const;
template void Matrix<float>::adam(const double*, float*, float*, float*) const;
template void Matrix<float>::add_squares(double, const float*, float*, float*) const;
template void Matrix<float>::find_bases(const float*, const float*, float*, float*) const;
template void Matrix<float>::turn_bases(const float*, const float*, float*, float*, float*) const;
template Index Matrix<double>::bases_memory(Sides);
template void Matrix<double>::change_bases(const double*, const double*, bool, const double*, double*) const;
template void Matrix<double>::adam(const double*, double*, double*, double*) const;
template void Matrix<double>::add_squares(double, const double*, double*, double*) const;
template void Matrix<double>::find_bases(const double*, const double*, double*, double*) const;
template void Matrix<double>::turn_bases(const double*, const double*, double*, double*, double*) const;

}  // namespace fastopt
