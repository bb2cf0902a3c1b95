// A convolution in parts that stay in cache: places of the output, and what their windows see of the image.
#pragma once

#include <algorithm>

#include "core/types.h"
#include "kernels/conv/args.h"

namespace fastopt::ops {

// Weights are [taps, channels of a group, filters], those of a group side by side; an output is [places, filters] or,
// channels first, [filters, places].
struct Convolution {
  Window window;
  Index groups, filters;

  Index channels() const { return window.channels / groups; }  // of a group
  Index multiplier() const { return filters / groups; }
  Index outputs() const { return window.places() * filters; }
  Index rows() const { return window.taps() * channels(); }  // of the weights
  // Whether the one window is the whole image.
  bool is_dense() const {
    const Window& w = window;
    return w.channels_last && groups == 1 && w.places() == 1 && w.kernel_height == w.height &&
           w.kernel_width == w.width && w.pad_top == 0 && w.pad_left == 0 &&
           (w.dilation_height == 1 || w.height == 1) && (w.dilation_width == 1 || w.width == 1);
  }
  // Whether each channel is convolved by itself.
  bool depthwise() const { return groups > 1 && groups == window.channels; }
  // Units of the gradient of the weights that can be computed apart: the rows of the window, of each group.
  Index units() const { return depthwise() ? 1 : groups * window.kernel_height; }
};

// A number of things in parts of at most `most`: even ones, or all of that size but the last.
struct Parts {
  Index total, most;
  bool even = false;

  Index count() const { return (total + most - 1) / most; }
  Range operator[](Index i) const {
    return even ? Range{total * i / count(), total * (i + 1) / count()}
                : Range{i * most, std::min((i + 1) * most, total)};
  }
};

// Some groups, some filters of theirs, and a rectangle of places.
struct Band {
  Range groups, filters, rows, columns;

  Index places() const { return rows.size() * columns.size(); }
};

// A part of the weights of a group: all of them or, where what one place sees is too much for the scratch, some
// channels of one tap.
struct Piece {
  Range tap_rows, tap_columns, channels;
};

// Pixels of an image or of a copy of some of it, from the first that a band sees through a piece. From row to row and
// from pixel to pixel it is so many elements.
template <class T>
struct Sight {
  T* data;
  Index line, pixel;
};

template <class T>
class Bands {
 public:
  static constexpr Index most_places = 1024;

  explicit Bands(const Convolution& convolution);

  Index count() const { return groups_.count() * parts(); }
  Index parts() const { return filters_.count() * rows_.count() * columns_.count(); }  // of the same groups
  Band operator[](Index i) const;
  Index pieces() const { return whole_ ? 1 : c_.window.taps() * channels_.count(); }
  Piece piece(Index i) const;

  // What a band sees of x, and zeros beyond the image.
  Sight<const T> see(const T* x, const Band& band, const Piece& piece) const;
  // The same of a gradient, to which something is added meanwhile.
  template <class F>
  void change(T* dx, const Band& band, const Piece& piece, F&& change_pixels) const {
    const Sight<T> pixels = begin_change(dx, band, piece);
    change_pixels(pixels);
    end_change(pixels, band, piece, dx);
  }

  // Outputs as rows of places: channels first, copies of them, which are read and written.
  template <class U>
  Rows<U> output(U* y, const Band& band) const {
    return c_.window.channels_last ? Rows<U>{y + first_place(band) * c_.filters + band.filters.begin, c_.filters}
                                   : Rows<U>{scratch_for_output(), band.filters.size()};
  }
  void read(const T* y, const Band& band) const;
  void write(const Band& band, T* y) const;

 private:
  struct Rectangle {
    Range rows, columns;
  };
  Rectangle seen(const Band& band, const Piece& piece) const;
  bool inside(const Rectangle& rectangle) const;
  bool copies(const Rectangle& rectangle) const;
  bool fit() const;
  void split();

  // Where the pixels are: in x, or in the scratch.
  Sight<T> sight(T* x, const Rectangle& rectangle, const Band& band, const Piece& piece) const;
  Sight<T> begin_change(T* dx, const Band& band, const Piece& piece) const;
  void end_change(const Sight<T>& pixels, const Band& band, const Piece& piece, T* dx) const;
  // f(index of x, of the scratch, pixels) for the parts of rows that are inside the image, from their first channels
  // on.
  template <class F>
  void for_each_line(const Rectangle& rectangle, const Sight<T>& pixels, const Band& band, const Piece& piece,
                     F&& f) const;

  Index first_place(const Band& band) const { return band.rows.begin * c_.window.out_width + band.columns.begin; }
  // The scratch: outputs, channels first; and pixels.
  T* scratch_for_output() const;
  Index size_of_output() const;

  const Convolution c_;
  Parts groups_, filters_, channels_, rows_, columns_;
  bool whole_ = true;
};

}  // namespace fastopt::ops
