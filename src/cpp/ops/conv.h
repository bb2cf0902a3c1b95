// The convolution of an image, as products of its patches with the weights. Patches are copied, some places and some
// taps at a time, so that they stay in cache: few moves beside the arithmetic, and all strides, borders, dilations and
// groups are one case. Where a patch is one pixel, the image itself is the factor.
#pragma once

#include "core/buffer.h"
#include "kernels/activation/args.h"
#include "kernels/conv/args.h"
#include "runtime/team.h"

namespace fastopt::ops {

// Weights are [taps, channels of a group, filters], those of a group side by side; an output is [places, filters] or,
// channels first, [filters, places].
struct Convolution {
  Window window;
  Index groups, filters;

  Index channels() const { return window.channels / groups; }  // of a group
  Index outputs() const { return window.places() * filters; }
  Index rows() const { return window.taps() * channels(); }  // of the weights
  // Whether the one window is the whole image.
  bool is_dense() const {
    const Window& w = window;
    return w.channels_last && groups == 1 && w.places() == 1 && w.kernel_height == w.height &&
           w.kernel_width == w.width && w.pad_top == 0 && w.pad_left == 0 &&
           (w.dilation_height == 1 || w.height == 1) && (w.dilation_width == 1 || w.width == 1);
  }
  // Whether each channel is convolved by itself, straight from the image.
  bool depthwise() const { return window.channels_last && groups > 1 && groups == window.channels; }
  Index multiplier() const { return filters / groups; }
  // Whether a patch is one pixel.
  bool pointwise() const {
    const Window& w = window;
    return !depthwise() && w.channels_last && w.taps() == 1 && w.stride_height == 1 && w.stride_width == 1 &&
           w.pad_top == 0 && w.pad_left == 0 && w.out_height == w.height && w.out_width == w.width;
  }
};

// A number of things in even parts of at most `most`.
struct EvenParts {
  Index total, most;

  Index count() const { return (total + most - 1) / most; }
  Range operator[](Index i) const { return {total * i / count(), total * (i + 1) / count()}; }
};

template <class T>
class Convolver {
 public:
  explicit Convolver(const Convolution& convolution);

  // y = f(conv(x, w) + bias); or y += conv(x, w), where there is neither.
  void forward(const T* x, const T* w, const T* bias, Activate<T> activate, bool accumulate, T* y) const;

  // Elements of the panels of the weights' transpose, and this rank's share of making them.
  Index packed() const;
  void pack(const Team& team, const T* w, T* to) const;
  // dx = conv'(dy, w), or dx += that, with w in panels.
  void backward(const T* dy, const T* packed, bool accumulate, T* dx) const;

  // Units of the gradient of the weights that can be computed apart: the pieces of each group.
  Index units() const { return c_.depthwise() ? 1 : c_.groups * pieces(); }
  // dw = x' dy, or dw += that, of these units.
  void gradient(const T* x, const T* dy, Range units, bool accumulate, T* dw) const;

 private:
  // Some rows of the weights: all channels of some taps, or some of one tap.
  struct Piece {
    Range taps, channels;
    Index row, rows;
  };
  // What is taken together of an output: some filters of a group at some places.
  struct Band {
    Index group;
    Range filters, places;
  };

  Index pieces() const { return taps_.count() * channels_.count(); }
  Piece piece(Index i) const;
  Index bands() const { return c_.groups * filters_.count() * places_.count(); }
  Band band(Index i) const;
  Index packed_group() const;

  Rows<T> patches(const Piece& piece) const;
  Patches seen(const Band& band, const Piece& piece) const;
  Rows<const T> gather(const T* x, const Band& band, const Piece& piece) const;
  T* turned(const Band& band) const;
  template <class U>
  Rows<U> output(U* y, const Band& band) const;
  void read(const T* y, const Band& band) const;
  void write(const Band& band, T* y) const;

  const Convolution& c_;
  const bool pointwise_;
  const EvenParts taps_, channels_, filters_, places_;
};

}  // namespace fastopt::ops
