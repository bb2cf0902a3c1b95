// Losses of a row and their gradients. The cross-entropies take logits: they are fused with the softmax or sigmoid
// before them.
#pragma once

#include <limits>
#include <string_view>

#include "kernels/list.h"
#include "kernels/row_block.h"
#include "simd/math.h"

namespace fastopt::FASTOPT_ISA {

// sum_j t_j (log sum_k exp z_k - z_j); its gradient is softmax(z) sum(t) - t.
template <bool sparse>
struct CategoricalCrossentropy {
  static constexpr std::string_view name = sparse ? "sparse_categorical_crossentropy" : "categorical_crossentropy";
  static constexpr std::string_view activation = "softmax";
  static constexpr bool labels = sparse;

  template <class T>
  static void rows(const Loss<T>& p) {
    using V = Vec<T>;
    using Block = RowBlock<T>;
    const bool one_chunk = p.columns <= chunk_columns;
    for_each_row_block<T>(p.rows, [&](Block& block) {
      V highest = V(-std::numeric_limits<T>::infinity());
      V target_sum = 0, target_product = 0;
      V label = 0;
      if constexpr (sparse) {
        label = block.labels(p.target);
        target_sum = 1;
      }
      for_each_chunk(p.columns, [&](Range chunk) {
        block.load_prediction(p.prediction, chunk);
        if constexpr (!sparse) {
          block.load_target(p.target, p.columns, chunk);
        }
        for (Index j = 0; j < chunk.size(); ++j) {
          const V z = Block::at(block.prediction, j);
          highest = max(highest, z);
          if constexpr (sparse) {
            where(label == T(chunk.begin + j), target_product) = z;
          } else {
            const V t = Block::at(block.target, j);
            target_sum += t;
            where(t != V(0), target_product) = target_product + t * z;
          }
        }
      });
      V total = 0;
      const auto exponentiate = [&](Range chunk) {
        if (!one_chunk) {
          block.load_prediction(p.prediction, chunk);
        }
        for (Index j = 0; j < chunk.size(); ++j) {
          const V e = math::exp(Block::at(block.prediction, j) - highest);
          Block::set(block.prediction, j, e);
          total += e;
        }
      };
      for_each_chunk(p.columns, exponentiate);
      const V sum = total;
      V shifted = target_sum * highest;
      where(target_sum == V(0), shifted) = V(0);
      block.store_rows(target_sum * math::log(sum) + (shifted - target_product), p.loss);
      if (!p.gradient.data) {
        return;
      }
      const V scale = block.weights(p.weight, p.target, p.scale);
      const V factor = scale * target_sum / sum;
      for_each_chunk(p.columns, [&](Range chunk) {
        if (!one_chunk) {
          exponentiate(chunk);
          if constexpr (!sparse) {
            block.load_target(p.target, p.columns, chunk);
          }
        }
        for (Index j = 0; j < chunk.size(); ++j) {
          V gradient = Block::at(block.prediction, j) * factor;
          if constexpr (sparse) {
            where(label == T(chunk.begin + j), gradient) = gradient - scale;
          } else {
            gradient -= Block::at(block.target, j) * scale;
          }
          Block::set(block.prediction, j, gradient);
        }
        block.store_prediction(p.gradient, chunk);
      });
    });
  }
};

// The mean over the columns of an elementwise loss.
template <class Element, class T>
void mean_loss_rows(const Loss<T>& p) {
  using V = Vec<T>;
  using Block = RowBlock<T>;
  for_each_row_block<T>(p.rows, [&](Block& block) {
    V loss = 0;
    const V scale = block.weights(p.weight, p.target, p.scale) / V(T(p.columns));
    for_each_chunk(p.columns, [&](Range chunk) {
      block.load_prediction(p.prediction, chunk);
      block.load_target(p.target, p.columns, chunk);
      for (Index j = 0; j < chunk.size(); ++j) {
        const V z = Block::at(block.prediction, j), t = Block::at(block.target, j);
        loss += Element::value(z, t);
        Block::set(block.prediction, j, Element::gradient(z, t) * scale);
      }
      if (p.gradient.data) {
        block.store_prediction(p.gradient, chunk);
      }
    });
    block.store_rows(loss / V(T(p.columns)), p.loss);
  });
}

// max(z, 0) - z t + log(1 + exp(-|z|)); its gradient is sigmoid(z) - t.
struct BinaryCrossentropy {
  static constexpr std::string_view name = "binary_crossentropy";
  static constexpr std::string_view activation = "sigmoid";
  static constexpr bool labels = false;

  template <class V>
  static V value(const V& z, const V& t) {
    const V e = math::exp(-abs(z));
    const V u = V(1) + e;
    const V log1p = math::log(u) + (e - (u - V(1))) / u;
    return max(z, V(0)) - z * t + log1p;
  }
  template <class V>
  static V gradient(const V& z, const V& t) {
    return math::sigmoid(z) - t;
  }
  template <class T>
  static void rows(const Loss<T>& p) {
    mean_loss_rows<BinaryCrossentropy>(p);
  }
};

struct MeanSquaredError {
  static constexpr std::string_view name = "mean_squared_error";
  static constexpr std::string_view activation = "";
  static constexpr bool labels = false;

  template <class V>
  static V value(const V& z, const V& t) {
    return (z - t) * (z - t);
  }
  template <class V>
  static V gradient(const V& z, const V& t) {
    return V(2) * (z - t);
  }
  template <class T>
  static void rows(const Loss<T>& p) {
    mean_loss_rows<MeanSquaredError>(p);
  }
};

using Losses =
    List<CategoricalCrossentropy<true>, CategoricalCrossentropy<false>, BinaryCrossentropy, MeanSquaredError>;

template <class T>
inline constexpr auto loss_kernels = []<class... L>(List<L...>) {
  return std::array<void (*)(const Loss<T>&), max_kinds>{L::template rows<T>...};
}(Losses{});

}  // namespace fastopt::FASTOPT_ISA
