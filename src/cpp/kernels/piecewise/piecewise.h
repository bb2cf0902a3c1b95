// Piecewise linear encodings of features (Gorishniy, Rubachev and Babenko, On embeddings for numerical features in
// tabular deep learning, NeurIPS 2022).
#pragma once

#include "kernels/piecewise/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void piecewise(const Piecewise<T>& p) {
  using V = Vec<T>;
  for (Index i = 0; i < p.rows; ++i) {
    for (Index f = 0; f < p.features; ++f) {
      const T *const start = p.start + f * p.pieces, *const scale = p.scale + f * p.pieces;
      const T x = p.x.row(i)[f];
      T* const y = p.y.row(i) + f * p.pieces;
      for_each_vector<T>(p.pieces, [&](Index t, auto load, auto store) __attribute__((always_inline)) {
        store(at_most(at_least((V(x) - load(start + t)) * load(scale + t), V(0)), V(1)), y + t);
      });
      const Index last = p.pieces - 1, first = scale[0] == 0 ? last : 0;
      const T low = (x - start[first]) * scale[first], high = (x - start[last]) * scale[last];
      y[first] = first == last || !(low > 1) ? low : T(1);
      y[last] = first == last || !(high < 0) ? high : T(0);
    }
  }
}

template <class T>
void piecewise_backward(const PiecewiseBackward<T>& p) {
  using V = Vec<T>;
  for (Index i = 0; i < p.rows; ++i) {
    for (Index f = 0; f < p.features; ++f) {
      const T *const start = p.start + f * p.pieces, *const scale = p.scale + f * p.pieces;
      const T *const dy = p.dy.row(i) + f * p.pieces, x = p.x.row(i)[f];
      V sum = 0;
      for_each_vector<T>(p.pieces, [&](Index t, auto load, auto) __attribute__((always_inline)) {
        const V s = load(scale + t), y = (V(x) - load(start + t)) * s;
        V part = load(dy + t) * s;
        where(y < V(0) || y > V(1), part) = V(0);
        sum += part;
      });
      const Index last = p.pieces - 1, first = scale[0] == 0 ? last : 0;
      T ends = 0;
      ends += (x - start[first]) * scale[first] < 0 ? dy[first] * scale[first] : T(0);
      ends += (x - start[last]) * scale[last] > 1 ? dy[last] * scale[last] : T(0);
      p.dx.row(i)[f] = reduce(sum) + ends;
    }
  }
}

}  // namespace fastopt::FASTOPT_ISA
