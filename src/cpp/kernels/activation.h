// Elementwise activations: the value, and the derivative as a function of the value. Softmax acts on rows.
#pragma once

#include <algorithm>
#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/table.h"
#include "simd/math.h"

namespace fastopt::FASTOPT_ISA {

struct Linear {
  static constexpr std::string_view name = "linear";
  template <class V>
  static V value(const V& z) {
    return z;
  }
  template <class V>
  static V derivative(const V&) {
    return V(1);
  }
};

struct Relu {
  static constexpr std::string_view name = "relu";
  template <class V>
  static V value(V z) {
    where(z < V(0), z) = V(0);  // a NaN stays
    return z;
  }
  template <class V>
  static V derivative(const V& y) {
    V d = 0;
    where(y > V(0), d) = V(1);
    return d;
  }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  template <class V>
  static V value(const V& z) {
    return math::sigmoid(z);
  }
  template <class V>
  static V derivative(const V& y) {
    return y * (V(1) - y);
  }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  template <class V>
  static V value(const V& z) {
    return math::tanh(z);
  }
  template <class V>
  static V derivative(const V& y) {
    return V(1) - y * y;
  }
};

using Activations = List<Linear, Relu, Sigmoid, Tanh>;

template <class Activation, class T>
void activate(Rows<const T> z, Rows<T> y, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i) {
    const T* from = z.row(i);
    T* to = y.row(i);
    for_each_vector<T>(columns,
                       [&](Index j, auto load, auto store) { store(Activation::value(load(from + j)), to + j); });
  }
}

template <class Activation, class T>
void differentiate(Rows<const T> y, Rows<const T> dy, Rows<T> dz, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i) {
    const T *value = y.row(i), *from = dy.row(i);
    T* to = dz.row(i);
    for_each_vector<T>(columns, [&](Index j, auto load, auto store) {
      store(load(from + j) * Activation::derivative(load(value + j)), to + j);
    });
  }
}

template <class T>
void softmax_rows(Rows<const T> z, Rows<T> y, Index rows, Index columns) {
  if (columns == 0) {
    return;
  }
  for (Index i = 0; i < rows; ++i) {
    const T* from = z.row(i);
    T* to = y.row(i);
    const T highest = *std::max_element(from, from + columns);
    T total = 0;
    for_each_vector<T>(columns,
                       [&](Index j, auto load, auto store) { store(math::exp(load(from + j) - highest), to + j); });
    for (Index j = 0; j < columns; ++j) {
      total += to[j];
    }
    for_each_vector<T>(columns, [&](Index j, auto load, auto store) { store(load(to + j) / total, to + j); });
  }
}

template <class T>
void softmax_rows_backward(Rows<const T> y, Rows<const T> dy, Rows<T> dz, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i) {
    const T *value = y.row(i), *from = dy.row(i);
    T* to = dz.row(i);
    T inner = 0;
    for (Index j = 0; j < columns; ++j) {
      inner += value[j] * from[j];
    }
    for_each_vector<T>(
        columns, [&](Index j, auto load, auto store) { store(load(value + j) * (load(from + j) - inner), to + j); });
  }
}

template <class T>
inline constexpr auto activate_kernels = []<class... A>(List<A...>) {
  return std::array<void (*)(Rows<const T>, Rows<T>, Index, Index), max_kinds>{activate<A, T>..., softmax_rows<T>};
}(Activations{});

template <class T>
inline constexpr auto differentiate_kernels = []<class... A>(List<A...>) {
  return std::array<void (*)(Rows<const T>, Rows<const T>, Rows<T>, Index, Index), max_kinds>{differentiate<A, T>...,
                                                                                              softmax_rows_backward<T>};
}(Activations{});

}  // namespace fastopt::FASTOPT_ISA
