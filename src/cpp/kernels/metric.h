// Metrics of a row.
#pragma once

#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/row_block.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
RowBlocks<T> blocks_of(const Metric<T>& p) {
  return {p.rows, p.columns, p.prediction, {p.target.dense, p.columns, p.target.index}, {}};
}

// 1 where the largest prediction stands at the label, or at the largest target; the first of equals counts. 0 where a
// prediction is NaN.
template <bool sparse>
struct CategoricalAccuracy {
  static constexpr std::string_view name = sparse ? "sparse_categorical_accuracy" : "categorical_accuracy";
  static constexpr bool labels = sparse, logits = true;

  template <class T>
  static void rows(const Metric<T>& p) {
    using V = Vec<T>;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    for_each_block(blocks_of(p), [&](auto& block) __attribute__((always_inline)) {
      const auto place_of_highest = [&](auto&& value) {
        V top = -infinity, place = 0;
        block.for_each([&](const auto& element) __attribute__((always_inline)) {
          const V v = value(element);
          where(v > top, place) = element.column();
          where(v > top, top) = v;
        });
        where(top < block.highest(top), place) = infinity;
        return block.lowest(place);
      };
      V label;
      if constexpr (sparse) {
        label = block.per_row([&](Index i) { return static_cast<T>(p.target.labels[p.target.sample(i)]); });
      } else {
        label =
            place_of_highest([&](const auto& element) __attribute__((always_inline)) { return element.b(-infinity); });
      }
      V unknown = 0, hit = 0;
      const V best = place_of_highest([&](const auto& element) __attribute__((always_inline)) {
        const V v = element.a(-infinity);
        where(v != v, unknown) = V(1);
        return v;
      });
      where(best == label && block.highest(unknown) == V(0), hit) = V(1);
      block.store_rows(hit, p.value);
    });
  }
};

template <class Element>
struct MeanMetric {
  static constexpr std::string_view name = Element::name;
  static constexpr bool labels = false, logits = Element::logits;
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
  static constexpr bool logits = false;
  template <class V>
  static V value(const V& z, const V& t) {
    return (z - t) * (z - t);
  }
};

struct AbsoluteError {
  static constexpr std::string_view name = "mean_absolute_error";
  static constexpr bool logits = false;
  template <class V>
  static V value(const V& z, const V& t) {
    return abs(z - t);
  }
};

using Metrics = List<CategoricalAccuracy<true>, CategoricalAccuracy<false>, MeanMetric<BinaryHit>,
                     MeanMetric<SquaredError>, MeanMetric<AbsoluteError>>;

template <class T>
inline constexpr auto metric_kernels = []<class... M>(List<M...>) {
  return std::array<void (*)(const Metric<T>&), max_kinds>{M::template rows<T>...};
}(Metrics{});

}  // namespace fastopt::FASTOPT_ISA
