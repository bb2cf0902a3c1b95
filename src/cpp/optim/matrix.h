// What a rule that takes matrices as wholes has to compute with, by all ranks of a team together.
#pragma once

#include <array>
#include <span>

#include "kernels/update/args.h"
#include "runtime/team.h"

namespace fastopt {

// A tensor [rows, columns], and memory beside it. Every function is called by all ranks, finds complete what was
// written before it and leaves what it wrote complete; results do not depend on the number of ranks.
template <class T>
class Matrix {
 public:
  using Element = T;

  const Team& team;
  Index rows, columns;
  std::array<T*, max_slots> slots;
  T* memory;               // as long as `memory_size` says, aligned
  std::span<double> sums;  // one for each chunk of `chunk` elements

  static constexpr Index chunk = 1024;

  Index size() const { return rows * columns; }
  Index side() const { return std::min(rows, columns); }  // the smaller one
  static Index memory_size(Index rows, Index columns);

  T* room() const { return memory; }                  // for a matrix [rows, columns]
  T* square(int which) const;                         // 0 and 1: room for symmetric matrices [side, side]
  double norm(const T* x) const;                      // of a matrix [rows, columns]
  void scale(const T* x, double factor, T* y) const;  // y <- factor x
  void gram(const T* x, T* a) const;                  // a <- x x^T or, where rows > columns, x^T x
  void polynomial(double p, double q, double r, const T* a, T* b) const;  // b <- p I + q a + r a a, a symmetric
  void transform(const T* b, const T* x, T* y) const;  // y <- b x or, where rows > columns, x b, b symmetric

 private:
  Index stride() const;
  void pack(const T* b, Index stride, bool transposed, Index depth, Index width) const;
  void multiply_symmetric(const T* a, bool a_transposed, Index a_stride, Index depth, T* c) const;
  template <class F>
  void mirror(T* c, F&& f) const;
};

}  // namespace fastopt
