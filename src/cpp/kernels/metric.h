// Metrics of a row.
#pragma once

#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/row_block.h"

namespace fastopt::FASTOPT_ISA {

// 1 where the largest prediction stands at the label, or at the largest target; the first of equals counts. 0 where a
// prediction is NaN.
template <bool sparse>
struct CategoricalAccuracy {
  static constexpr std::string_view name = sparse ? "sparse_categorical_accuracy" : "categorical_accuracy";
  static constexpr bool labels = sparse, logits = true;

  template <class T>
  static void rows(const Metric<T>& p) {
    using V = Vec<T>;
    using Block = RowBlock<T>;
    for_each_row_block<T>(p.rows, [&](Block& block) {
      V highest = V(-std::numeric_limits<T>::infinity()), best = 0;
      V highest_target = highest, label = 0;
      auto unknown = highest != highest;
      if constexpr (sparse) {
        label = block.labels(p.target);
      }
      const auto raise = [](const V& value, T column, V& top, V& place) {
        const auto higher = value > top;
        where(higher, place) = column;
        where(higher, top) = value;
      };
      for_each_chunk(p.columns, [&](Range chunk) {
        block.load_prediction(p.prediction, chunk);
        if constexpr (!sparse) {
          block.load_target(p.target, p.columns, chunk);
        }
        for (Index j = 0; j < chunk.size(); ++j) {
          const T column = static_cast<T>(chunk.begin + j);
          const V z = Block::at(block.prediction, j);
          raise(z, column, highest, best);
          unknown = unknown || z != z;
          if constexpr (!sparse) {
            raise(Block::at(block.target, j), column, highest_target, label);
          }
        }
      });
      V hit = 0;
      where(best == label && !unknown, hit) = V(1);
      block.store_rows(hit, p.value);
    });
  }
};

template <class Element, class T>
void mean_metric_rows(const Metric<T>& p) {
  using V = Vec<T>;
  using Block = RowBlock<T>;
  for_each_row_block<T>(p.rows, [&](Block& block) {
    V total = 0;
    for_each_chunk(p.columns, [&](Range chunk) {
      block.load_prediction(p.prediction, chunk);
      block.load_target(p.target, p.columns, chunk);
      for (Index j = 0; j < chunk.size(); ++j) {
        total += Element::value(Block::at(block.prediction, j), Block::at(block.target, j));
      }
    });
    block.store_rows(total / V(T(p.columns)), p.value);
  });
}

template <class Element>
struct MeanMetric {
  static constexpr std::string_view name = Element::name;
  static constexpr bool labels = false, logits = Element::logits;
  template <class T>
  static void rows(const Metric<T>& p) {
    mean_metric_rows<Element>(p);
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
