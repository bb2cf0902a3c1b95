// Metrics of a row.
#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/loss/args.h"
#include "kernels/row_block.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
RowBlocks<T> blocks_of(const Metric<T>& p) {
  return {p.rows, p.columns, p.prediction, {p.target.dense, p.columns, p.target.index}, {}};
}

// 1 where the prediction at the label, or at the largest target, is among the k largest ones, of equal ones the first
// counting as larger. 0 where a prediction is NaN.
template <bool sparse, bool largest>
struct TopAccuracy {
  static constexpr std::string_view name = largest  ? (sparse ? "sparse_categorical_accuracy" : "categorical_accuracy")
                                           : sparse ? "sparse_top_k_accuracy"
                                                    : "top_k_accuracy";
  static constexpr auto targets = sparse ? TargetKind::label : TargetKind::probability;
  static constexpr bool logits = true, needs_k = !largest;

  template <class T>
  static void rows(const Metric<T>& p) {
    using V = Vec<T>;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const V k = largest ? T(1) : static_cast<T>(p.k);
    for_each_block(blocks_of(p), [&](auto& block) __attribute__((always_inline)) {
      V label, own = -infinity;
      if constexpr (sparse) {
        label = block.per_row([&](Index i) { return static_cast<T>(p.target.label(i)); });
        own = block.per_row([&](Index i) {
          const Index place = p.target.label(i);
          return place >= 0 && place < p.columns ? p.prediction.row(i)[place] : -infinity;
        });
      } else {
        V top = -infinity, place = 0;
        block.for_each([&](const auto& element) __attribute__((always_inline)) {
          const V t = element.b(-infinity);
          const auto higher = t > top;
          where(higher, place) = element.column();
          where(higher, own) = element.a();
          where(higher, top) = t;
        });
        where(top < block.highest(top), place) = infinity;
        label = block.lowest(place);
        where(place != label, own) = -infinity;
        own = block.highest(own);
      }
      V larger = 0, hit = 0;
      block.for_each([&](const auto& element) __attribute__((always_inline)) {
        const V v = element.a(-infinity);
        where(!(v < own) && !(v == own && element.column() >= label), larger) = larger + V(1);
        if constexpr (!largest) {
          where(v != v, larger) = infinity;
        }
      });
      where(block.sum(larger) < k, hit) = V(1);
      block.store_rows(hit, p.value);
    });
  }
};

template <class Element>
struct MeanMetric {
  static constexpr std::string_view name = Element::name;
  static constexpr auto targets = Element::targets;
  static constexpr bool logits = Element::logits, needs_k = false;
  template <class T>
  static void rows(const Metric<T>& p) {
    for_each_block(blocks_of(p), [&](auto& block) __attribute__((always_inline)) {
      Vec<T> total = 0;
      block.for_each([&](const auto& element) __attribute__((always_inline)) {
        total += element.used(Element::value(element.a(), element.b()));
      });
      block.store_rows(block.sum(total) / Vec<T>(T(p.columns)), p.value);
    });
  }
};

struct BinaryHit {  // of a logit
  static constexpr std::string_view name = "binary_accuracy";
  static constexpr auto targets = TargetKind::bit;
  static constexpr bool logits = true;
  template <class V>
  static V value(const V& z, const V& t) {
    V hit = 0;
    where((z > V(0)) == (t > V(typename V::value_type(0.5))) && z == z, hit) = V(1);
    return hit;
  }
};

struct SquaredError {
  static constexpr std::string_view name = "mean_squared_error";
  static constexpr auto targets = TargetKind::value;
  static constexpr bool logits = false;
  template <class V>
  static V value(const V& z, const V& t) {
    return (z - t) * (z - t);
  }
};

struct AbsoluteError {
  static constexpr std::string_view name = "mean_absolute_error";
  static constexpr auto targets = TargetKind::value;
  static constexpr bool logits = false;
  template <class V>
  static V value(const V& z, const V& t) {
    return abs(z - t);
  }
};

using Metrics =
    List<TopAccuracy<true, true>, TopAccuracy<false, true>, TopAccuracy<true, false>, TopAccuracy<false, false>,
         MeanMetric<BinaryHit>, MeanMetric<SquaredError>, MeanMetric<AbsoluteError>>;

template <class T>
inline constexpr auto metric_kernels = []<class... M>(List<M...>) {
  return std::array<MetricKernel<T>, sizeof...(M)>{
      {{M::name, M::targets, M::logits, M::needs_k, M::template rows<T>}...}};
}(Metrics{});

}  // namespace fastopt::FASTOPT_ISA
