// Noise on the values, in training only: y = x m with m = 0 or 1 / keep (Srivastava et al., JMLR 15, 2014), and
// y = x + s n with n from N(0, 1). The numbers of a row depend on the seed, the batch, the layer and the row alone.
#pragma once

#include "kernels/dropout/args.h"
#include "kernels/elementwise/args.h"
#include "nn/layers/kind.h"
#include "runtime/random.h"

namespace fastopt {

template <class T>
Layer<T> dropout(Index inputs, double rate) {
  Layer<T> layer{.outputs = inputs, .cost = elementwise_cost * static_cast<double>(inputs)};
  layer.saved = inputs * static_cast<Index>(sizeof(T));  // the mask
  layer.noise = true;
  if (rate > 0) {
    const auto mask = [](const View<T>& v, Index row) { return reinterpret_cast<T*>(v.out.saved.row(row)); };
    layer.training.forward.push_back(over_rows<T>([=](const View<T>& v) {
      for (Index i = 0; i < v.rows; ++i) {
        kernels<T>().dropout.mask(v.slab.draw.key, v.slab.draw.first_stream + static_cast<std::uint64_t>(i),
                                  v.slab.draw.part * rate, mask(v, i), v.out.columns);
        kernels<T>().elementwise.multiply(v.in[0].x.row(i), mask(v, i), v.out.y.row(i), v.out.columns);
      }
      activate(v);
    }));
    layer.training.backward.push_back(over_rows<T>([=](const View<T>& v) {
      for (Index i = 0; i < v.rows; ++i) {
        kernels<T>().elementwise.multiply(v.out.dy.row(i), mask(v, i), v.in[0].dx.row(i), v.out.columns);
      }
      differentiate(v);
    }));
  }
  return layer;
}

template <class T>
Layer<T> gaussian_noise(Index inputs, double stddev) {
  Layer<T> layer{.outputs = inputs, .cost = normal_cost * static_cast<double>(inputs)};
  layer.noise = true;
  if (stddev > 0) {
    layer.training.forward.push_back(over_rows<T>([=](const View<T>& v) {
      for (Index i = 0; i < v.rows; ++i) {
        add_random_normal(v.slab.draw.key, v.slab.draw.first_stream + static_cast<std::uint64_t>(i), v.out.columns,
                          v.slab.draw.part * stddev, v.in[0].x.row(i), v.out.y.row(i));
      }
      activate(v);
    }));
    layer.training.backward.push_back(over_rows<T>([](const View<T>& v) { copy_gradient(v); }));
  }
  return layer;
}

template <class T>
Kinds<T> noise_kinds() {
  return {{"dropout", {[](Sizes in, const LayerSpec&, Numbers& n) { return dropout<T>(in[0], n.real("rate")); }}},
          {"gaussian_noise",
           {[](Sizes in, const LayerSpec&, Numbers& n) { return gaussian_noise<T>(in[0], n.real("stddev")); }}}};
}

}  // namespace fastopt
