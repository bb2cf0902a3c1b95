// The convolution of an image, as products of its patches with the weights. Patches are copied, some places and some
// taps at a time, so that they stay in cache: few moves beside the arithmetic, and all strides, borders, dilations and
// groups are one case. Where a patch is one pixel, the image itself is the factor.
#pragma once

#include <algorithm>

#include "kernels/conv/args.h"
#include "kernels/product/args.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

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

// Some rows of the weights: all channels of some taps, or some of one tap.
struct ConvolutionPiece {
  Range taps, channels;
  Index row, rows;
  bool first, last;
};

// f(begin, end) for even parts of at most `most`.
template <class F>
void for_each_even_part(Index total, Index most, F&& f) {
  const Index parts = (total + most - 1) / most;
  for (Index i = 0; i < parts; ++i) {
    f(Range{total * i / parts, total * (i + 1) / parts});
  }
}

template <class T>
class Convolver {
 public:
  explicit Convolver(const Convolution& c) : c_(c) {}

  // y = f(conv(x, w) + bias); or y += conv(x, w), where there is neither.
  void forward(const T* x, const T* w, const T* bias, Activate<T> activate, bool accumulate, T* y) const {
    if (c_.depthwise()) {
      kernels<T>().conv.convolve_channels(c_.window, c_.multiplier(), x, w, bias, accumulate, y);
      if (activate) {
        activate({y, c_.filters}, {y, c_.filters}, c_.window.places(), c_.filters);
      }
      return;
    }
    for_each_band([&](Index group, Range filters, Range places) {
      const Rows<T> to = output(y, filters, places);
      if (accumulate) {
        read(y, filters, places);
      }
      for_each_piece([&](const ConvolutionPiece& piece) {
        const Rows<const T> a = gather(x, group, places, piece);
        kernels<T>().product.multiply({.rows = places.size(),
                                       .columns = filters.size(),
                                       .depth = piece.rows,
                                       .a = a,
                                       .b = {w + piece.row * c_.filters + filters.begin, c_.filters, width(), true},
                                       .c = to,
                                       .accumulate = accumulate || !piece.first,
                                       .bias = bias && piece.first ? bias + filters.begin : nullptr,
                                       .activate = piece.last ? activate : nullptr,
                                       .scratch = scratch()});
      });
      write(filters, places, y);
    });
  }

  // Elements of the panels of the weights' transpose, and this rank's share of making them.
  Index packed() const { return c_.depthwise() ? c_.rows() * c_.filters : checked_product(c_.groups, packed_group()); }
  void pack(const Team& team, const T* w, T* to) const {
    if (c_.depthwise()) {
      const Range mine = team.split(packed(), alignment);
      std::copy(w + mine.begin, w + mine.end, to + mine.begin);
      return;
    }
    for (Index group = 0; group < c_.groups; ++group) {
      for_each_piece([&](const ConvolutionPiece& piece) {
        pack_share(team, w + piece.row * c_.filters + group * filters(), c_.filters, true, filters(), piece.rows, to);
        to += packed_size<T>(filters(), piece.rows);
      });
    }
  }

  // dx = conv'(dy, w), or dx += that, with w in panels.
  void backward(const T* dy, const T* packed, bool accumulate, T* dx) const {
    if (!accumulate && !c_.pointwise()) {
      std::fill_n(dx, c_.window.size(), T(0));
    }
    if (c_.depthwise()) {
      kernels<T>().conv.spread_channels(c_.window, c_.multiplier(), dy, packed, dx);
      return;
    }
    for_each_band([&](Index group, Range some, Range places) {
      read(dy, some, places);
      const T* panels = packed + group * packed_group();
      for_each_piece([&](const ConvolutionPiece& piece) {
        Panels<T> b = packed_panels<T>(panels, filters(), piece.rows);
        b.data += (some.begin - group * filters()) * b.row_stride;
        panels += packed_size<T>(filters(), piece.rows);
        const Rows<T> c =
            c_.pointwise() ? Rows<T>{dx + places.begin * c_.window.channels + group * c_.channels(), c_.window.channels}
                           : Rows<T>{patches(), piece.rows + patch_gap};
        kernels<T>().product.multiply({.rows = places.size(),
                                       .columns = piece.rows,
                                       .depth = some.size(),
                                       .a = output(dy, some, places),
                                       .b = b,
                                       .c = c,
                                       .accumulate = accumulate && c_.pointwise(),
                                       .scratch = scratch()});
        if (!c_.pointwise()) {
          kernels<T>().conv.scatter(seen(group, places, piece), patches(), dx);
        }
      });
    });
  }

  // Units of the gradient of the weights that can be computed apart.
  Index units() const { return c_.depthwise() ? 1 : c_.groups * pieces(); }
  // dw = x' dy, or dw += that, of these units.
  void gradient(const T* x, const T* dy, Range units, bool accumulate, T* dw) const {
    if (c_.depthwise()) {
      kernels<T>().conv.correlate_channels(c_.window, c_.multiplier(), x, dy, accumulate, dw);
      return;
    }
    for_each_band([&](Index group, Range filters, Range places) {
      Index unit = group * pieces();
      if (unit + pieces() <= units.begin || unit >= units.end) {
        return;
      }
      read(dy, filters, places);
      const Rows<const T> of_output = output(dy, filters, places);
      for_each_piece([&](const ConvolutionPiece& piece) {
        if (unit >= units.begin && unit < units.end) {
          kernels<T>().product.multiply({.rows = piece.rows,
                                         .columns = filters.size(),
                                         .depth = places.size(),
                                         .a = gather(x, group, places, piece),
                                         .a_transposed = true,
                                         .b = {of_output.data, of_output.stride, width(), true},
                                         .c = {dw + piece.row * c_.filters + filters.begin, c_.filters},
                                         .accumulate = accumulate || places.begin > 0,
                                         .scratch = scratch()});
        }
        ++unit;
      });
    });
  }

 private:
  // Rows of the weights that are taken at a time, and filters that go with them, channels first.
  static constexpr Index most_rows = 640, most_filters = 2048;
  static constexpr Index slack = alignment;  // behind patches, and behind what stands for the output
  static constexpr Index room = static_cast<Index>(patch_scratch / sizeof(T)) - 2 * slack;

  static Index width() { return kernels<T>().product.panel_width; }
  Index filters() const { return c_.filters / c_.groups; }
  Index packed_group() const {
    Index size = 0;
    for_each_piece([&](const ConvolutionPiece& piece) { size += packed_size<T>(filters(), piece.rows); });
    return size;
  }

  Index pieces() const {
    Index count = 0;
    for_each_piece([&](const ConvolutionPiece&) { ++count; });
    return std::max<Index>(count, 1);
  }
  template <class F>
  void for_each_piece(F&& f) const {
    const Index channels = c_.channels(), rows = c_.rows();
    const auto call = [&](Range taps, Range some) {
      const Index row = taps.begin * channels + some.begin, count = taps.size() * some.size();
      f(ConvolutionPiece{taps, some, row, count, row == 0, row + count == rows});
    };
    if (c_.pointwise()) {
      call({0, 1}, {0, channels});
    } else if (channels <= most_rows) {
      for_each_even_part(c_.window.taps(), most_rows / channels, [&](Range taps) { call(taps, {0, channels}); });
    } else {
      for (Index tap = 0; tap < c_.window.taps(); ++tap) {
        for_each_even_part(channels, most_rows, [&](Range some) { call({tap, tap + 1}, some); });
      }
    }
  }

  // f(group, filters, places)
  template <class F>
  void for_each_band(F&& f) const {
    const bool last = c_.window.channels_last;
    const Index some = last ? filters() : std::min(filters(), most_filters);
    const Index rows = std::min(c_.rows(), most_rows) + patch_gap + (last ? 0 : some);
    const Index most = c_.pointwise() ? c_.window.places() : room / rows;
    for (Index group = 0; group < c_.groups; ++group) {
      for_each_even_part(filters(), some, [&](Range part) {
        const Range columns{group * filters() + part.begin, group * filters() + part.end};
        for_each_even_part(c_.window.places(), most, [&](Range places) { f(group, columns, places); });
      });
    }
  }

  // The scratch: patches; and what stands for a part of an output that has its channels first.
  static T* patches() { return reinterpret_cast<T*>(scratch_for_patches()); }
  T* turned(Range places) const {
    return patches() + places.size() * (std::min(c_.rows(), most_rows) + patch_gap) + slack;
  }

  Patches seen(Index group, Range places, const ConvolutionPiece& piece) const {
    const Index first = group * c_.channels();
    return {c_.window,
            places,
            piece.taps,
            {first + piece.channels.begin, first + piece.channels.end},
            piece.rows + patch_gap};
  }
  Rows<const T> gather(const T* x, Index group, Range places, const ConvolutionPiece& piece) const {
    if (c_.pointwise()) {
      return {x + places.begin * c_.window.channels + group * c_.channels(), c_.window.channels};
    }
    kernels<T>().conv.gather(seen(group, places, piece), x, patches());
    return {patches(), piece.rows + patch_gap};
  }

  // Some filters at some places, as rows of places.
  template <class U>
  Rows<U> output(U* y, Range filters, Range places) const {
    return c_.window.channels_last ? Rows<U>{y + places.begin * c_.filters + filters.begin, c_.filters}
                                   : Rows<U>{turned(places), filters.size()};
  }
  void read(const T* y, Range filters, Range places) const {
    if (!c_.window.channels_last) {
      kernels<T>().conv.transpose(y + filters.begin * c_.window.places() + places.begin, c_.window.places(),
                                  filters.size(), places.size(), turned(places), filters.size());
    }
  }
  void write(Range filters, Range places, T* y) const {
    if (!c_.window.channels_last) {
      kernels<T>().conv.transpose(turned(places), filters.size(), places.size(), filters.size(),
                                  y + filters.begin * c_.window.places() + places.begin, c_.window.places());
    }
  }

  const Convolution& c_;
};

}  // namespace fastopt::ops
