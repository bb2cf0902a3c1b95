// Windows over images: the largest value or the mean of each. Zeros around an image are sums over windows of one place,
// some of which lie outside; to repeat places is the transpose of sums over windows side by side.
#pragma once

#include <bit>
#include <stdexcept>

#include "kernels/pool/args.h"
#include "nn/layers/kind.h"

namespace fastopt {

inline Pool pool(Numbers& n) {
  const Pool p{window(n)};
  if (p.dilation_height != 1 || p.dilation_width != 1) {
    throw std::invalid_argument("windows of pooling have no dilation");
  }
  if (std::max({p.size(), p.out_height * p.stride_height, p.out_width * p.stride_width, p.kernel_height, p.kernel_width,
                std::abs(p.pad_top), std::abs(p.pad_left)}) > INT32_MAX) {
    throw std::length_error("images of " + std::to_string(p.size()) + " values are too large for pooling");
  }
  return p;
}

// From the image to its windows or, `transposed`, from these to the image.
inline Index outputs_of(const Pool& p, Index inputs, bool transposed) {
  const Index image = p.size(), windows = checked_product(p.places(), p.channels);
  if (inputs != (transposed ? windows : image)) {
    throw std::invalid_argument(std::to_string(inputs) + " values are no image of " +
                                std::to_string(transposed ? p.out_height : p.height) + " x " +
                                std::to_string(transposed ? p.out_width : p.width) + " places with " +
                                std::to_string(p.channels) + " channels");
  }
  return transposed ? image : windows;
}

// For what has no value without places.
inline Pool without_empty_windows(const Pool& p) {
  if (p.rows(0).size() < 1 || p.columns(0).size() < 1 || p.rows(p.out_height - 1).size() < 1 ||
      p.columns(p.out_width - 1).size() < 1) {
    throw std::invalid_argument("a window lies outside of the image");
  }
  return p;
}

template <class T>
void set_phases(Layer<T>& layer, const Pool& p, Phase<T> forward, Phase<T> backward) {
  layer.training = layer.inference = {{std::move(forward)}, {std::move(backward)}, {}};
  layer.cost = elementwise_cost * static_cast<double>(p.places() * p.channels) * static_cast<double>(p.taps());
}

// f(output, place) with the place of the largest value of its window among all values of a row.
template <class T, class F>
void for_each_largest(const Pool& p, const std::byte* saved, const F& f) {
  const T* places = reinterpret_cast<const T*>(saved);
  Index output = 0;
  for (Index plane = 0; plane < p.planes(); ++plane) {
    for (Index i = 0; i < p.out_height; ++i) {
      for (Index j = 0; j < p.out_width; ++j) {
        const Index corner = plane * p.height * p.width + p.corner(i, j);
        for (Index channel = 0; channel < p.depth(); ++channel, ++output) {
          f(output, corner + channel + std::bit_cast<PoolPlace<T>>(places[output]));
        }
      }
    }
  }
}

template <class T>
[[gnu::noinline]] void largest_forward(const Pool& p, const View<T>& v) {
  for (Index i = 0; i < v.rows; ++i) {
    kernels<T>().pool.largest(p, v.in[0].x.row(i), v.out.y.row(i), reinterpret_cast<T*>(v.out.saved.row(i)));
    if (v.along) {  // the derivatives go the way of the largest values
      for_each_largest<T>(p, v.out.saved.row(i),
                          [x = v.along->in[0].x.row(i), y = v.along->out.y.row(i)](Index output, Index place) {
                            y[output] = x[place];
                          });
    }
  }
  activate(v);
}

template <class T>
[[gnu::noinline]] void largest_backward(const Pool& p, const View<T>& v, Rows<const std::byte> saved) {
  for (Index i = 0; i < v.rows; ++i) {
    T* const dx = v.in[0].dx.row(i);
    std::fill_n(dx, v.in[0].columns, T(0));
    for_each_largest<T>(p, saved.row(i),
                        [dx, dy = v.out.dy.row(i)](Index output, Index place) { dx[place] += dy[output]; });
  }
  differentiate(v);
}

template <class T>
Layer<T> max_pool(Index inputs, const Pool& p) {
  Layer<T> layer{.outputs = outputs_of(p, inputs, false)};
  layer.saved = layer.outputs * static_cast<Index>(sizeof(T));
  set_phases(layer, p, over_rows<T>([p](const View<T>& v) { largest_forward(p, v); }),
             over_rows<T>([=](const View<T>& v) {
               largest_backward(p, v, v.out.saved);
               if (v.along) {
                 largest_backward(p, *v.along, v.out.saved);
               }
             }));
  layer.curvature = layer.training;
  return layer;
}

template <class T>
[[gnu::noinline]] void sums(const Pool& p, bool mean, bool back, Index rows, Rows<const T> from, Rows<T> to) {
  const auto kernel = back ? kernels<T>().pool.spread : kernels<T>().pool.sum;
  for (Index i = 0; i < rows; ++i) {
    kernel(p, mean, from.row(i), to.row(i));
  }
}

// Sums over windows, or means; or, `transposed`, the other way.
template <class T>
Layer<T> sum_pool(Index inputs, const Pool& p, bool mean, bool transposed) {
  Layer<T> layer{.outputs = outputs_of(p, inputs, transposed)};
  set_phases(layer, p, over_rows<T>([=](const View<T>& v) {
               sums(p, mean, transposed, v.rows, v.in[0].x, v.out.y);
               activate(v);
             }),
             over_rows<T>([=](const View<T>& v) {
               sums(p, mean, !transposed, v.rows, v.out.dy, v.in[0].dx);
               differentiate(v);
             }));
  add_linear_curvature(layer);
  return layer;
}

template <class T>
Kinds<T> pool_kinds() {
  return {
      {"max_pool",
       {[](Sizes in, const LayerSpec&, Numbers& n) { return max_pool<T>(in[0], without_empty_windows(pool(n))); }}},
      {"mean_pool", {[](Sizes in, const LayerSpec&, Numbers& n) {
         return sum_pool<T>(in[0], without_empty_windows(pool(n)), true, false);
       }}},
      {"pad", {[](Sizes in, const LayerSpec&, Numbers& n) { return sum_pool<T>(in[0], pool(n), false, false); }}},
      {"repeat", {[](Sizes in, const LayerSpec&, Numbers& n) { return sum_pool<T>(in[0], pool(n), false, true); }}}};
}

}  // namespace fastopt
