// Loops over the rows of matrices for what is computed from whole rows: losses, metrics, softmax.
//
// Narrow rows are taken as many at once as a vector has lanes, one row a lane: a few columns fill the vectors as well
// as many do, and nothing is reduced across lanes. Wide rows are taken one at a time, with vectors along the row. The
// computation is written once for both, as a function of a block.
#pragma once

#include "core/types.h"
#include "simd/math.h"
#include "simd/transpose.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

inline constexpr Index most_narrow = 32;  // columns of narrow rows

template <class T>
struct RowBlocks {
  Index rows, columns;
  Rows<const T> a;       // of the predictions
  Rows<const T> b = {};  // of the targets, if they have columns
  Rows<T> out = {};      // of the results, if they are wanted
};

// What a block calls its function with: the elements of one vector. Idle lanes read `fill` and write nothing.
//   a(fill), b(fill)  elements of a and b
//   column()        their column numbers
//   per_column(f)   f(column number) of each
//   used(v)         v, with zeros in idle lanes of a row
//   set(v), get()   elements of out; without out they are not kept in wide rows
template <class T>
struct NarrowBlock {
  using V = Vec<T>;
  const RowBlocks<T>& all;
  Index first = 0, rows = 0;                // rows <= lanes; the results of other lanes go nowhere
  alignas(64) T a[most_narrow * lanes<T>];  // [column][lane]
  alignas(64) T b[most_narrow * lanes<T>];

  explicit NarrowBlock(const RowBlocks<T>& blocks) : all(blocks) {}

  struct Element {
    NarrowBlock& block;
    Index j;
    V a(T = 0) const { return load<T>(block.a + j * lanes<T>); }
    V b(T = 0) const { return load<T>(block.b + j * lanes<T>); }
    V column() const { return V(static_cast<T>(j)); }
    template <class F>
    V per_column(F&& f) const {
      return V(f(j));
    }
    V used(const V& v) const { return v; }
    void set(const V& v) const { store<T>(v, block.a + j * lanes<T>); }
    V get() const { return a(); }
  };

  [[gnu::noinline]] void read(Index first_row) {
    first = first_row;
    rows = all.rows - first < lanes<T> ? all.rows - first : lanes<T>;
    transpose_rows<T>([&](Index i) { return all.a.row(first + i); }, rows, all.columns, a);
    if (all.b.data) {
      transpose_rows<T>([&](Index i) { return all.b.row(first + i); }, rows, all.columns, b);
    }
  }

  [[gnu::noinline]] void write() const {
    transpose_columns<T>(a, rows, all.columns, [&](Index i) { return all.out.row(first + i); });
  }

  template <class F>
  [[gnu::always_inline]] void for_each(F&& f) {
    for (Index j = 0; j < all.columns; ++j) {
      f(Element{*this, j});
    }
  }

  V sum(const V& v) const { return v; }
  V highest(const V& v) const { return v; }
  V lowest(const V& v) const { return v; }

  // value(row) of each row.
  template <class F>
  [[gnu::always_inline]] V per_row(F&& value) const {
    T values[lanes<T>] = {};
    for (Index i = 0; i < rows; ++i) {
      values[i] = value(first + i);
    }
    return load<T>(values);
  }
  void store_rows(const V& v, T* to) const { store<T>(v, to + first, first_lanes<T>(rows)); }
};

template <class T>
struct WideBlock {
  using V = Vec<T>;
  const RowBlocks<T>& all;
  Index first;
  const T *a, *b;
  T* out;

  template <bool whole>
  struct Element {
    const WideBlock& block;
    Index j;
    Mask<T> mask;
    V a(T fill = 0) const { return read(block.a, fill); }
    V b(T fill = 0) const { return read(block.b, fill); }
    V column() const { return load<T>(lane_numbers<T>.data()) + static_cast<T>(j); }
    template <class F>
    V per_column(F&& f) const {
      T values[lanes<T>];
      for (Index i = 0; i < lanes<T>; ++i) {
        values[i] = f(j + i);
      }
      return load<T>(values);
    }
    V used(V v) const {
      if constexpr (!whole) {
        where(!mask, v) = T(0);
      }
      return v;
    }
    void set(const V& v) const {
      if (block.out) {
        if constexpr (whole) {
          store<T>(v, block.out + j);
        } else {
          store<T>(v, block.out + j, mask);
        }
      }
    }
    V get() const { return read(block.out, 0); }

   private:
    V read(const T* p, T fill) const {
      if constexpr (whole) {
        return load<T>(p + j);
      } else {
        V v = load<T>(p + j, mask);
        where(!mask, v) = fill;
        return v;
      }
    }
  };

  template <class F>
  [[gnu::always_inline]] void for_each(F&& f) {
    Index j = 0;
    for (; j + lanes<T> <= all.columns; j += lanes<T>) {
      f(Element<true>{*this, j, {}});
    }
    if (j < all.columns) {
      f(Element<false>{*this, j, first_lanes<T>(all.columns - j)});
    }
  }

  V sum(const V& v) const { return reduce(v); }
  V highest(const V& v) const { return hmax(v); }
  V lowest(const V& v) const { return hmin(v); }

  template <class F>
  [[gnu::always_inline]] V per_row(F&& value) const {
    return V(static_cast<T>(value(first)));
  }
  void store_rows(const V& v, T* to) const { to[first] = v[0]; }
};

// exp(a - highest), and 1 in idle lanes: that of -infinity goes through denormal numbers, which take a hundred cycles.
template <class Element, class V>
[[gnu::always_inline]] inline V exp_below(const Element& element, const V& highest) {
  return math::exp_nonpositive(element.used(element.a() - highest));
}

// Calls f(block) for blocks that cover all rows.
template <class T, class F>
[[gnu::always_inline]] inline void for_each_block(const RowBlocks<T>& all, F&& f) {
  if (all.columns <= most_narrow) {
    NarrowBlock<T> block(all);
    for (Index first = 0; first < all.rows; first += lanes<T>) {
      block.read(first);
      f(block);
      if (all.out.data) {
        block.write();
      }
    }
  } else {
    for (Index i = 0; i < all.rows; ++i) {
      WideBlock<T> block{all, i, all.a.row(i), all.b.data ? all.b.row(i) : nullptr,
                         all.out.data ? all.out.row(i) : nullptr};
      f(block);
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
