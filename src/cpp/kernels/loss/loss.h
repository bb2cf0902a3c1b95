// Losses of a row, their gradients, and products with their Hessians. Those with an `activation` take the values before
// it: they are fused with it.
#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/loss/args.h"
#include "kernels/row_block.h"
#include "simd/math.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
RowBlocks<T> blocks_of(const Loss<T>& p) {
  return {p.rows, p.columns, p.prediction, {p.target.dense, p.columns, p.target.index}, p.gradient};
}

// What the gradient of a row is multiplied by.
template <class T, class Block>
Vec<T> row_scale(const Loss<T>& p, const Block& block) {
  return block.per_row([&](Index i) { return p.weight ? p.weight[p.target.sample(i)] * p.scale : p.scale; });
}

inline constexpr std::array<LossParameter, 0> no_hyper{};
inline constexpr std::array<LossParameter, 1> label_smoothing{{{"label_smoothing", 0.0}}};

// sum_j t_j (log sum_k exp z_k - z_j), for the divergence less the entropy, -sum_j t_j log t_j, of the target; both
// have the gradient softmax(z) sum(t) - t. Smoothed targets are (1 - s) t + s / columns (Szegedy et al., 2016).
template <TargetKind kind, bool divergence>
struct SoftmaxLoss {
  static constexpr std::string_view name = divergence                  ? "kl_divergence"
                                           : kind == TargetKind::label ? "sparse_categorical_crossentropy"
                                                                       : "categorical_crossentropy";
  static constexpr std::string_view activation = "softmax";
  static constexpr bool several = false;
  static constexpr auto targets = kind;
  static constexpr auto hyper = [] {
    if constexpr (divergence) {
      return no_hyper;
    } else {
      return label_smoothing;
    }
  }();

  template <class T>
  static void rows(const Loss<T>& p) {
    using V = Vec<T>;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const T smoothing = divergence ? T(0) : static_cast<T>(p.hyper[0]);
    const V kept = T(1) - smoothing, shared = smoothing / static_cast<T>(p.columns);
    for_each_block(blocks_of(p), [&](auto& block) __attribute__((always_inline)) {
      V label = 0;
      if constexpr (kind == TargetKind::label) {
        label = block.per_row([&](Index i) { return static_cast<T>(p.target.label(i)); });
      }
      const auto target_of = [&](const auto& element) __attribute__((always_inline)) {
        if constexpr (kind == TargetKind::label) {
          V t = shared;
          where(element.column() == label, t) = kept + shared;
          return element.used(t);
        } else {
          return element.used(kept * element.b() + shared);
        }
      };
      V highest = -infinity, target_sum = 0, product = 0, negative_entropy = 0;
      block.for_each([&](const auto& element) __attribute__((always_inline)) {
        const V t = target_of(element);
        highest = max(highest, element.a(-infinity));
        target_sum += t;
        where(t != V(0), product) = product + t * element.a();  // an impossible class may have an infinite logit
        if constexpr (divergence) {
          where(t > V(0), negative_entropy) = negative_entropy + t * math::log(t);
        }
      });
      highest = block.highest(highest);
      target_sum = block.sum(target_sum);
      product = block.sum(product);
      V total = 0;
      block.for_each([&](const auto& element) __attribute__((always_inline)) {
        const V e = exp_below(element, highest);
        element.set(e);
        total += element.used(e);
      });
      total = block.sum(total);
      V log_total = math::log(total);
      const auto sure = total < V(T(1.25));
      if (any_of(sure)) {  // beside the largest, which is 1, the others lose their digits
        const bool stored = p.gradient.data || p.columns <= most_narrow;
        V others = 0;
        block.for_each([&](const auto& element) __attribute__((always_inline)) {
          V e = stored ? element.get() : exp_below(element, highest);
          where(e == V(1), e) = V(0);
          others += element.used(e);
        });
        where(sure, log_total) = math::log1p_fraction(block.sum(others));
      }
      V shifted = target_sum * highest;
      where(target_sum == V(0), shifted) = V(0);
      block.store_rows(block.sum(negative_entropy) + (target_sum * log_total + (shifted - product)), p.loss);
      if (!p.gradient.data) {
        return;
      }
      const V scale = row_scale(p, block), factor = scale * target_sum / total;
      block.for_each([&](const auto& element) __attribute__((always_inline)) {
        element.set(element.get() * factor - target_of(element) * scale);
      });
    });
  }

  // The Hessian is sum(t) (diag p - p p') with p = softmax(z).
  template <class T>
  static void curvature(const LossCurvature<T>& c) {
    using V = Vec<T>;
    const Loss<T>& p = c.of;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const auto target_sum = [&](Index i) {
      T sum = 1;
      if constexpr (kind != TargetKind::label) {
        const T* const t = p.target.dense + p.target.sample(i) * p.columns;
        sum = divergence ? T(0) : static_cast<T>(p.hyper[0]);
        const T kept = T(1) - sum;
        for (Index j = 0; j < p.columns; ++j) {
          sum += kept * t[j];
        }
      }
      return sum;
    };
    for_each_block(
        RowBlocks<T>{p.rows, p.columns, p.prediction, c.s, c.product}, [&](auto& block) __attribute__((always_inline)) {
          V highest = -infinity, total = 0, inner = 0;
          block.for_each([&](const auto& element)
                             __attribute__((always_inline)) { highest = max(highest, element.a(-infinity)); });
          highest = block.highest(highest);
          block.for_each([&](const auto& element) __attribute__((always_inline)) {
            const V e = exp_below(element, highest);
            element.set(e);
            total += element.used(e);
            inner += element.used(e) * element.b();
          });
          total = block.sum(total);
          const V mean = block.sum(inner) / total, factor = row_scale(p, block) * block.per_row(target_sum) / total;
          block.for_each([&](const auto& element) __attribute__((always_inline)) {
            element.set(element.get() * (element.b() - mean) * factor);
          });
        });
  }
};

// The mean over the columns of an elementwise loss.
template <class Element>
struct MeanLoss : Element {
  template <class T>
  static void rows(const Loss<T>& p) {
    using V = Vec<T>;
    const T first = p.hyper.empty() ? T(0) : static_cast<T>(p.hyper[0]), columns = static_cast<T>(p.columns);
    const auto several = static_cast<Index>(p.hyper.size());
    for_each_block(blocks_of(p), [&](auto& block) __attribute__((always_inline)) {
      V loss = 0;
      const V scale = row_scale(p, block) / columns;
      block.for_each([&](const auto& element) __attribute__((always_inline)) {
        V hyper = first;
        if constexpr (Element::several) {
          hyper = element.per_column([&](Index j) { return static_cast<T>(p.hyper[j % several]); });
        }
        const auto [value, gradient] = Element::both(element.a(), element.b(), hyper);
        loss += element.used(value);
        element.set(gradient * scale);
      });
      block.store_rows(block.sum(loss) / columns, p.loss);
    });
  }

  template <class T>
  static void curvature(const LossCurvature<T>& c) {
    const Loss<T>& p = c.of;
    const T hyper = p.hyper.empty() ? T(0) : static_cast<T>(p.hyper[0]);
    for (Index i = 0; i < p.rows; ++i) {
      const Index sample = p.target.sample(i);
      const T scale = (p.weight ? p.weight[sample] * p.scale : p.scale) / static_cast<T>(p.columns);
      const T *y = p.prediction.row(i), *t = p.target.dense + sample * p.columns, *s = c.s.row(i);
      T* const product = c.product.row(i);
      for_each_vector<T>(p.columns, [&](Index j, auto load, auto store) {
        store(Element::second(load(y + j), load(t + j), Vec<T>(hyper)) * load(s + j) * scale, product + j);
      });
    }
  }
};

template <class V>
struct ValueAndGradient {
  V value, gradient;
};

// What the losses below have in common, but for what they say: they are not computed together with an activation, and
// have no hyperparameters. Each says its value and gradient, and the derivative of the gradient: `second`.
struct PlainLoss {
  static constexpr std::string_view activation = "";
  static constexpr bool several = false;
  static constexpr auto targets = TargetKind::value;
  static constexpr auto hyper = no_hyper;
};

// log(1 + exp z) - z t; its gradient is sigmoid(z) - t. Smoothed targets are (1 - s) t + s / 2.
struct BinaryCrossentropy {
  static constexpr std::string_view name = "binary_crossentropy";
  static constexpr std::string_view activation = "sigmoid";
  static constexpr bool several = false;
  static constexpr auto targets = TargetKind::bit;
  static constexpr auto hyper = label_smoothing;

  template <class V>
  static ValueAndGradient<V> both(const V& z, const V& target, const V& smoothing) {
    using T = typename V::value_type;
    const V t = target + smoothing * (T(0.5) - target);
    const V e = math::exp_nonpositive(-abs(z));
    V numerator = T(1);
    where(z < T(0), numerator) = e;
    return {(max(z, V(0)) - z * t) + math::log1p_fraction(e), numerator / (T(1) + e) - t};
  }
  template <class V>
  static V second(const V& z, const V&, const V&) {
    const V e = math::exp_nonpositive(-abs(z)), larger = V(1) / (V(1) + e);
    return e * larger * larger;
  }
};

struct MeanSquaredError : PlainLoss {
  static constexpr std::string_view name = "mean_squared_error";

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V&) {
    const V d = y - t;
    return {d * d, d + d};
  }
  template <class V>
  static V second(const V&, const V&, const V&) {
    return V(2);
  }
};

struct MeanAbsoluteError : PlainLoss {
  static constexpr std::string_view name = "mean_absolute_error";

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V&) {
    const V d = y - t;
    return {abs(d), sign(d)};
  }
  template <class V>
  static V second(const V&, const V&, const V&) {
    return V(0);
  }
};

// q d where d = t - y is positive, else (q - 1) d; columns have the levels q in turn (Koenker and Bassett, 1978).
struct Quantile : PlainLoss {
  static constexpr std::string_view name = "quantile";
  static constexpr std::array<LossParameter, 1> hyper{{{"quantile", 0.5}}};
  static constexpr bool several = true;

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V& q) {
    const V d = t - y;
    V slope = -q;
    where(d < V(0), slope) = V(1) - q;
    where(d == V(0), slope) = V(0);
    return {-slope * d, slope};
  }
  template <class V>
  static V second(const V&, const V&, const V&) {
    return V(0);
  }
};

// d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2) (Huber, 1964).
struct Huber : PlainLoss {
  static constexpr std::string_view name = "huber";
  static constexpr std::array<LossParameter, 1> hyper{{{"delta", 1.0}}};

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V& delta) {
    using T = typename V::value_type;
    const V d = y - t;
    const V bounded = at_most(at_least(d, V(-delta)), delta);
    return {bounded * (d - bounded * T(0.5)), bounded};
  }
  template <class V>
  static V second(const V& y, const V& t, const V& delta) {
    V inside = 0;
    where(abs(y - t) <= delta, inside) = V(1);
    return inside;
  }
};

// log cosh d. With q = exp(-|d|) and e = q - 1 it is log(1 + e^2 / (2 q)), which keeps its digits near d = 0, and
// |d| - log 2 + log(1 + q^2), which does not overflow; its gradient tanh d is -e (2 + e) / (1 + q^2) at |d|.
struct LogCosh : PlainLoss {
  static constexpr std::string_view name = "log_cosh";

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V&) {
    using T = typename V::value_type;
    const V d = y - t, size = abs(d);
    const V e = math::expm1_nonpositive(-size), q = e + T(1);
    const auto near = size < T(1);
    V argument = q * q, start = size - T(0.693147180559945309417);
    const V gradient = copysign(e * (T(2) + e) / (T(1) + argument), d);
    where(near, argument) = e * e / (q + q);
    where(near, start) = T(0);
    return {start + math::log1p_fraction(argument), gradient};
  }
  template <class V>
  static V second(const V& y, const V& t, const V&) {
    const V q = math::exp_nonpositive(-abs(y - t)), part = (q + q) / (V(1) + q * q);
    return part * part;
  }
};

// max(0, 1 - t y), the targets being -1 and 1.
struct Hinge : PlainLoss {
  static constexpr std::string_view name = "hinge";
  static constexpr auto targets = TargetKind::sign;

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V&) {
    const V margin = V(1) - t * y;
    V value = margin, gradient = -t;
    where(margin <= V(0), value) = V(0);
    where(margin <= V(0), gradient) = V(0);
    return {value, gradient};
  }
  template <class V>
  static V second(const V&, const V&, const V&) {
    return V(0);
  }
};

struct SquaredHinge : PlainLoss {
  static constexpr std::string_view name = "squared_hinge";
  static constexpr auto targets = TargetKind::sign;

  template <class V>
  static ValueAndGradient<V> both(const V& y, const V& t, const V& none) {
    const auto [value, gradient] = Hinge::both(y, t, none);
    return {value * value, gradient * (value + value)};
  }
  template <class V>
  static V second(const V& y, const V& t, const V&) {
    V d = t * (t + t);
    where(V(1) - t * y <= V(0), d) = V(0);
    return d;
  }
};

// exp z - t z, z being the logarithm of the rate.
struct Poisson : PlainLoss {
  static constexpr std::string_view name = "poisson";
  static constexpr auto targets = TargetKind::count;

  template <class V>
  static ValueAndGradient<V> both(const V& z, const V& t, const V&) {
    const V rate = math::exp(z);
    V product = t * z;
    where(t == V(0), product) = V(0);
    return {rate - product, rate - t};
  }
  template <class V>
  static V second(const V& z, const V&, const V&) {
    return math::exp(z);
  }
};

using Losses = List<SoftmaxLoss<TargetKind::label, false>, SoftmaxLoss<TargetKind::probability, false>,
                    SoftmaxLoss<TargetKind::probability, true>, MeanLoss<BinaryCrossentropy>,
                    MeanLoss<MeanSquaredError>, MeanLoss<MeanAbsoluteError>, MeanLoss<Quantile>, MeanLoss<Huber>,
                    MeanLoss<LogCosh>, MeanLoss<Hinge>, MeanLoss<SquaredHinge>, MeanLoss<Poisson>>;

template <class T>
inline constexpr auto loss_kernels = []<class... L>(List<L...>) {
  return std::array<LossKernel<T>, sizeof...(L)>{
      {{L::name, L::activation, L::targets, L::hyper, L::several, L::template rows<T>, L::template curvature<T>}...}};
}(Losses{});

}  // namespace fastopt::FASTOPT_ISA
