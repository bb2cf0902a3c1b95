// What a rule that takes matrices as wholes has to compute with, by all ranks of a team together.
#pragma once

#include <array>
#include <span>

#include "kernels/update/args.h"
#include "runtime/team.h"

namespace fastopt {

// A tensor, and memory beside it. Every function is called by all ranks, finds complete what was written before it and
// leaves what it wrote complete; results do not depend on the number of ranks.
template <class T>
class Matrix : public Sides {
 public:
  const Team& team;
  bool matrix;  // else [1, 1, size]
  const T* parameter;
  std::array<T*, max_slots> slots;
  T* memory;               // as much as the rule asks for by one of the functions below, aligned
  std::span<double> sums;  // one for each chunk of `chunk` elements

  static constexpr Index chunk = 1024;

  static Index orthogonal_memory(Sides sides);
  static Index means_memory(Sides sides);
  static Index bases_memory(Sides sides);

  T* room() const { return memory; }  // for the tensor
  T* second_room() const;
  double norm(const T* x) const;                      // of what has its size
  void scale(const T* x, double factor, T* y) const;  // y <- factor x

  // For Newton and Schulz, of one matrix.
  Index side() const { return std::min(rows, columns); }  // the smaller one
  T* square(int which) const;                             // 0 and 1: room for symmetric matrices [side, side]
  void gram(const T* x, T* a) const;                      // a <- x x^T or, where rows > columns, x^T x
  void polynomial(double p, double q, double r, const T* a, T* b) const;  // b <- p I + q a + r a a, a symmetric
  void transform(const T* b, const T* x, T* y) const;  // y <- b x or, where rows > columns, x b, b symmetric

  // With x the tensor in the room and p the part that is new:
  // v <- (1 - p) v + p (x^2 + epsilon);  x <- x / sqrt(v)
  void divide_by_mean(double p, double epsilon, T* v) const;
  // The same with v_ij = r_i c_j / mean(r) of each matrix, of means r by rows and c by columns.
  void divide_by_means(double p, double epsilon, T* r, T* c) const;
  // m <- b m + (1 - b) factor x;  x <- m
  void average(double b, double factor, T* m) const;

  // With ql and qr orthonormal rows for each side, or null for its own basis: y <- ql x qr^T, and y <- ql^T x qr.
  void to_bases(const T* ql, const T* qr, const T* x, T* y) const { change_bases(ql, qr, false, x, y); }
  void from_bases(const T* ql, const T* qr, const T* x, T* y) const { change_bases(ql, qr, true, x, y); }
  // m <- c1 m + c2 p;  v <- c3 v + c4 p^2;  p <- m / (sqrt(v) + c5)
  void adam(const double* c, T* p, T* m, T* v) const;
  // l <- b l + (1 - b) x x^T;  r <- b r + (1 - b) x^T x, where they are not null
  void add_squares(double b, const T* x, T* l, T* r) const;
  // ql and qr <- the eigenvectors of l and of r
  void find_bases(const T* l, const T* r, T* ql, T* qr) const;
  // ql and qr <- orthonormal rows of ql l and of qr r, in the order of the eigenvalues, to which v is brought too
  void turn_bases(const T* l, const T* r, T* ql, T* qr, T* v) const;

 private:
  struct Factor {
    const T* data;
    bool transposed;
  };

  T* room_at(int which) const;
  T* basis_square(int which) const;
  void multiply(Factor a, Factor b, Index m, Index depth, Index n, T* c) const;
  void change_bases(const T* ql, const T* qr, bool back, const T* x, T* y) const;
  Index stride() const;
  void pack(const T* b, Index stride, bool transposed, Index depth, Index width) const;
  void multiply_symmetric(const T* a, bool a_transposed, Index a_stride, Index depth, T* c) const;
  template <class F>
  void mirror(T* c, F&& f) const;
};

}  // namespace fastopt
