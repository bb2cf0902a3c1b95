// Elementwise activations: the value, the derivative as a function of the value y or, where `from_input` says so, of
// the argument x, because y does not tell it, and `second`: the derivative of this function. Softmax acts on rows.
#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "core/types.h"
#include "kernels/activation/args.h"
#include "kernels/activation/smooth.h"
#include "kernels/list.h"
#include "kernels/row_block.h"
#include "simd/math.h"

namespace fastopt::FASTOPT_ISA {

// -limit..limit; a NaN stays.
template <class V>
inline V clamped(const V& x, typename V::value_type limit) {
  return at_most(at_least(x, V(-limit)), V(limit));
}

// What those have in common that consist of straight pieces.
struct Straight {
  static constexpr bool from_input = false;
  template <class V>
  static V second(const V&) {
    return V(0);
  }
};

struct Linear : Straight {
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

struct Relu : Straight {
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

struct LeakyRelu : Straight {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr double slope = 0.01;
  template <class V>
  static V value(V z) {
    where(z < V(0), z) = z * typename V::value_type(slope);
    return z;
  }
  template <class V>
  static V derivative(const V& y) {
    V d = typename V::value_type(slope);
    where(y > V(0), d) = V(1);
    return d;
  }
};

// scale * (z for z > 0, else alpha (exp z - 1))
template <class Constants>
struct ExponentialLinear {
  static constexpr std::string_view name = Constants::name;
  static constexpr bool from_input = false;
  template <class V>
  static V value(const V& z) {
    using T = typename V::value_type;
    V y = math::expm1_nonpositive(z) * T(Constants::scale * Constants::alpha);
    where(z > V(0), y) = z * T(Constants::scale);
    return y;
  }
  template <class V>
  static V derivative(const V& y) {
    using T = typename V::value_type;
    V d = y + T(Constants::scale * Constants::alpha);
    where(y > V(0), d) = T(Constants::scale);
    return d;
  }
  template <class V>
  static V second(const V& y) {
    V d = 1;
    where(y > V(0), d) = V(0);
    return d;
  }
};

struct Elu {
  static constexpr std::string_view name = "elu";
  static constexpr double scale = 1, alpha = 1;
};

struct Selu {
  static constexpr std::string_view name = "selu";
  static constexpr double scale = 1.0507009873554804934193349852946, alpha = 1.6732632423543772848170429916717;
};

// log(1 + exp z)
struct Softplus {
  static constexpr std::string_view name = "softplus";
  static constexpr bool from_input = false;
  template <class V>
  static V value(const V& z) {
    return max(z, V(0)) + math::log1p_fraction(math::exp_nonpositive(-abs(z)));
  }
  template <class V>
  static V derivative(const V& y) {
    return -math::expm1_nonpositive(-y);
  }
  template <class V>
  static V second(const V& y) {
    return math::exp_nonpositive(-y);
  }
};

struct Softsign {
  static constexpr std::string_view name = "softsign";
  static constexpr bool from_input = false;
  template <class V>
  static V value(const V& z) {
    const V bounded = clamped(z, std::numeric_limits<typename V::value_type>::max());
    return bounded / (V(1) + abs(bounded));
  }
  template <class V>
  static V derivative(const V& y) {
    const V rest = V(1) - abs(y);
    return rest * rest;
  }
  template <class V>
  static V second(const V& y) {
    return V(-2) * copysign(V(1) - abs(y), y);
  }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr bool from_input = false;
  template <class V>
  static V value(const V& z) {
    return math::sigmoid(z);
  }
  template <class V>
  static V derivative(const V& y) {
    return y * (V(1) - y);
  }
  template <class V>
  static V second(const V& y) {
    return V(1) - (y + y);
  }
};

// The sigmoid in three pieces, as in Keras 3 and PyTorch.
struct HardSigmoid : Straight {
  static constexpr std::string_view name = "hard_sigmoid";
  template <class V>
  static V value(const V& z) {
    return (clamped(z, 3) + V(3)) / V(6);
  }
  template <class V>
  static V derivative(const V& y) {
    V d = 0;
    where(y > V(0) && y < V(1), d) = V(1) / V(6);
    return d;
  }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr bool from_input = false;
  template <class V>
  static V value(const V& z) {
    return math::tanh(z);
  }
  template <class V>
  static V derivative(const V& y) {
    return V(1) - y * y;
  }
  template <class V>
  static V second(const V& y) {
    return V(-2) * y;
  }
};

struct HardTanh : Straight {
  static constexpr std::string_view name = "hard_tanh";
  template <class V>
  static V value(const V& z) {
    return clamped(z, 1);
  }
  template <class V>
  static V derivative(const V& y) {
    V d = 0;
    where(abs(y) < V(1), d) = V(1);
    return d;
  }
};

using Activations = List<Linear, Relu, LeakyRelu, ExponentialLinear<Elu>, ExponentialLinear<Selu>, Softplus, Softsign,
                         Sigmoid, HardSigmoid, Tanh, HardTanh, Gelu, Gated<GeluTanh>, Gated<Silu>, Mish>;

template <class Activation, class T>
void activate(Rows<const T> z, Rows<T> y, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i) {
    const T* from = z.row(i);
    T* to = y.row(i);
    for_each_vector<T>(columns,
                       [&](Index j, auto load, auto store) { store(Activation::value(load(from + j)), to + j); });
  }
}

// `at` holds y, or x for an activation that is differentiated from its input.
template <class Activation, class T>
void differentiate(Rows<const T> at, Rows<const T> dy, Rows<T> dz, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i) {
    const T *value = at.row(i), *from = dy.row(i);
    T* to = dz.row(i);
    for_each_vector<T>(columns, [&](Index j, auto load, auto store) {
      store(load(from + j) * Activation::derivative(load(value + j)), to + j);
    });
  }
}

template <class Activation, class T>
void differentiate_twice(const SecondDerivative<T>& p) {
  for (Index i = 0; i < p.rows; ++i) {
    const T *at = p.at.row(i), *at_along = p.at_along.row(i), *dy = p.dy.row(i), *dy_along = p.dy_along.row(i);
    T *dz = p.dz.row(i), *dz_along = p.dz_along.row(i);
    for_each_vector<T>(p.columns, [&](Index j, auto load, auto store) {
      const Vec<T> a = load(at + j), d = load(dy + j), slope = Activation::derivative(a);
      store(load(dy_along + j) * slope + d * load(at_along + j) * Activation::second(a), dz_along + j);
      store(d * slope, dz + j);
    });
  }
}

template <class T>
void softmax_rows(Rows<const T> z, Rows<T> y, Index rows, Index columns) {
  using V = Vec<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for_each_block(RowBlocks<T>{.rows = rows, .columns = columns, .a = z, .out = y},
                 [](auto& block) __attribute__((always_inline)) {
                   V highest = -infinity, total = 0;
                   block.for_each([&](const auto& element)
                                      __attribute__((always_inline)) { highest = max(highest, element.a(-infinity)); });
                   highest = block.highest(highest);
                   block.for_each([&](const auto& element) __attribute__((always_inline)) {
                     const V e = exp_below(element, highest);
                     element.set(e);
                     total += element.used(e);
                   });
                   const V factor = V(T(1)) / block.sum(total);
                   block.for_each([&](const auto& element)
                                      __attribute__((always_inline)) { element.set(element.get() * factor); });
                 });
}

template <class T>
void softmax_rows_backward(Rows<const T> y, Rows<const T> dy, Rows<T> dz, Index rows, Index columns) {
  for_each_block(RowBlocks<T>{rows, columns, y, dy, dz}, [](auto& block) __attribute__((always_inline)) {
    Vec<T> inner = 0;
    block.for_each([&](const auto& element) __attribute__((always_inline)) { inner += element.a() * element.b(); });
    inner = block.sum(inner);
    block.for_each([&](const auto& element)
                       __attribute__((always_inline)) { element.set(element.a() * (element.b() - inner)); });
  });
}

// dz = y (dy - y'dy), row by row.
template <class T>
void softmax_rows_differentiate_twice(const SecondDerivative<T>& p) {
  for (Index i = 0; i < p.rows; ++i) {
    const T *y = p.at.row(i), *y_along = p.at_along.row(i), *dy = p.dy.row(i), *dy_along = p.dy_along.row(i);
    T *dz = p.dz.row(i), *dz_along = p.dz_along.row(i);
    Vec<T> inner_sum = 0, along_sum = 0;
    for_each_vector<T>(p.columns, [&](Index j, auto load, auto) {
      const Vec<T> v = load(y + j), d = load(dy + j);
      inner_sum += v * d;
      along_sum += load(y_along + j) * d + v * load(dy_along + j);
    });
    const Vec<T> inner = reduce(inner_sum), along = reduce(along_sum);
    for_each_vector<T>(p.columns, [&](Index j, auto load, auto store) {
      const Vec<T> v = load(y + j), rest = load(dy + j) - inner;
      store(load(y_along + j) * rest + v * (load(dy_along + j) - along), dz_along + j);
      store(v * rest, dz + j);
    });
  }
}

template <class T>
inline constexpr auto activation_kernels = []<class... A>(List<A...>) {
  return std::array<ActivationKernel<T>, sizeof...(A) + 1>{
      {{A::name, A::from_input, true, activate<A, T>, differentiate<A, T>, differentiate_twice<A, T>}...,
       {"softmax", false, false, softmax_rows<T>, softmax_rows_backward<T>, softmax_rows_differentiate_twice<T>}}};
}(Activations{});

}  // namespace fastopt::FASTOPT_ISA
