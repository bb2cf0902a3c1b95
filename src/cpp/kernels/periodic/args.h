// The arguments of periodic functions of each feature.
#pragma once

#include "core/types.h"

namespace fastopt {

// u_{f, j} = 2 pi c_{f, j} x_f + b_{f, j}. With phases b, y_f = [cos u_{f, 1}, cos u_{f, 2}, ...]; without them, b = 0
// and y_f = [cos u_{f, 1}, ..., sin u_{f, 1}, ...]. Frequencies c and phases are [features, frequencies].
template <class T>
struct Periodic {
  Index rows, features, frequencies;
  const T *frequency, *phase;  // phase may be null
  Rows<const T> x;
  Rows<T> y;
  Rows<T> derivative = {};  // dy / du; may be null

  Index width() const { return phase ? frequencies : 2 * frequencies; }  // of the values of a feature
  Periodic part(Range share) const {
    Periodic p = for_rows(*this, share, &Periodic::x, &Periodic::y);
    p.derivative = derivative.data ? derivative.from(share.begin) : derivative;
    return p;
  }
};

template <class T>
struct PeriodicBackward {
  Index rows, features, frequencies;
  const T* frequency;
  bool phases;  // whether there are some
  Rows<const T> x, dy, derivative;
  Rows<T> dx = {};  // of the call that is split by rows
  T *dfrequency = nullptr, *dphase = nullptr;

  Index width() const { return phases ? frequencies : 2 * frequencies; }
  PeriodicBackward part(Range share) const {
    return for_rows(*this, share, &PeriodicBackward::x, &PeriodicBackward::dy, &PeriodicBackward::derivative,
                    &PeriodicBackward::dx);
  }
};

template <class T>
struct PeriodicKernels {
  void (*forward)(const Periodic<T>&);                       // split by rows
  void (*backward)(const PeriodicBackward<T>&);              // dx, split by rows
  void (*sums)(const PeriodicBackward<T>&, Range features);  // dfrequency and dphase, split by features
};

}  // namespace fastopt
