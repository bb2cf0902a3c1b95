// Sets that weights are kept in: after each step they go to the nearest point of theirs (Srivastava et al., JMLR 15,
// 2014, for norms).
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/buffer.h"
#include "core/norm.h"
#include "runtime/team.h"

namespace fastopt {

// Norms are those of the columns of a matrix [rows, columns] along axis 0, or of its rows along axis 1.
struct Constraint {
  enum class Kind : std::uint8_t { none, max_norm, unit_norm, non_negative, signs };
  Kind kind = Kind::none;
  double limit = 1;  // of norms
  bool of_columns = true;
  std::vector<int> signs = {};  // of the weights of each row: at least 0 where it is 1, at most 0 where it is -1

  bool any() const { return kind != Kind::none; }

  // This rank's share.
  template <class T>
  void apply(const Team& team, T* w, Index rows, Index columns) const {
    if (kind == Kind::non_negative) {
      const Range mine = team.split(rows * columns, alignment);
      for (Index i = mine.begin; i < mine.end; ++i) {
        w[i] = w[i] < 0 ? T(0) : w[i];  // NaN stays NaN
      }
    } else if (kind == Kind::signs) {
      const Range mine = team.split(rows);
      for (Index i = mine.begin; i < mine.end; ++i) {
        const int sign = signs[static_cast<std::size_t>(i)];
        for (Index j = i * columns; j < (i + 1) * columns; ++j) {
          w[j] = sign != 0 && w[j] * static_cast<T>(sign) < 0 ? T(0) : w[j];
        }
      }
    } else if (of_columns) {
      const Range mine = team.split(columns, block);
      for (Index first = mine.begin; first < mine.end; first += block) {
        scale(w + first, rows, columns, std::min(block, mine.end - first));
      }
    } else {
      const Range mine = team.split(rows);
      for (Index i = mine.begin; i < mine.end; ++i) {
        T* const row = w + i * columns;
        double square = 0;
        for (Index j = 0; j < columns; ++j) {
          square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
        }
        const T f = factor<T>(square);
        if (f < least<T>) {
          scale_far(row, columns, 1, square);
          continue;
        }
        for (Index j = 0; j < columns; ++j) {
          row[j] *= f;
        }
      }
    }
  }

 private:
  static constexpr Index block = alignment;
  template <class T>
  static constexpr T least = std::numeric_limits<T>::min();

  // Weights so large that T cannot hold their factor, or double their squares.
  template <class T>
  void scale_far(T* w, Index size, Index stride, double square) const {
    const long double norm = norm_of(square, size, [&](Index i) { return w[i * stride]; });
    for (Index i = 0; norm > (kind == Kind::max_norm ? limit : 0) && i < size; ++i) {
      w[i * stride] = static_cast<T>(w[i * stride] * (limit / norm));
    }
  }

  // A row of zeros has no direction and stays.
  template <class T>
  T factor(double square) const {
    const double norm = std::sqrt(square);
    return static_cast<T>(norm > (kind == Kind::max_norm ? limit : 0) ? limit / norm : 1);
  }

  template <class T>
  void scale(T* w, Index rows, Index stride, Index columns) const {
    double squares[block] = {};
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) {
        const auto v = static_cast<double>(w[i * stride + j]);
        squares[j] += v * v;
      }
    }
    T factors[block];
    for (Index j = 0; j < columns; ++j) {
      factors[j] = factor<T>(squares[j]);
      if (factors[j] < least<T>) {
        scale_far(w + j, rows, stride, squares[j]);
        factors[j] = 1;
      }
    }
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) {
        w[i * stride + j] *= factors[j];
      }
    }
  }
};

}  // namespace fastopt
