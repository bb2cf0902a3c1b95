#include "ops/conv.h"

#include <algorithm>

#include "kernels/product/args.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

namespace fastopt::ops {

namespace {

Channelwise channelwise(const Convolution& c, const Band& band, const Piece& piece, Index line, Index pixel,
                        Index weight_step, Index place_step) {
  Window window = c.window;
  window.kernel_height = piece.tap_rows.size();
  window.kernel_width = piece.tap_columns.size();
  return {window,         band.rows.size(), band.columns.size(), line, pixel, band.groups.size(),
          c.multiplier(), weight_step,      place_step};
}

Index row_of_weights(const Convolution& c, Index tap_row, Index tap_column, Index channel) {
  return (tap_row * c.window.kernel_width + tap_column) * c.channels() + channel;
}

// That of the gradients of outputs with the weights' transposes in reverse order, which makes those of the image, where
// strides are 1.
Convolution reversed(const Convolution& c) {
  Convolution r{c.window, c.groups, c.window.channels};
  Window& w = r.window;
  w.channels = c.filters;
  std::swap(w.height, w.out_height);
  std::swap(w.width, w.out_width);
  w.pad_top = (w.kernel_height - 1) * w.dilation_height - w.pad_top;
  w.pad_left = (w.kernel_width - 1) * w.dilation_width - w.pad_left;
  return r;
}

// Whether the gradient of the image is computed so.
bool reverses(const Convolution& c) {
  return c.window.stride_height == 1 && c.window.stride_width == 1 && (!c.depthwise() || c.multiplier() == 1);
}

}  // namespace

template <class T>
Rows<const T> Convolver<T>::places(const Sight<const T>& seen, const Band& band) {
  const Index line = c_.window.stride_height * seen.line, pixel = c_.window.stride_width * seen.pixel;
  const Index columns = band.columns.size();
  if (band.rows.size() == 1 || line == columns * pixel) {
    return {seen.data, pixel};
  }
  if (columns != columns_ || line != line_ || pixel != pixel_ || band.rows.size() > rows_) {
    rows_ = band.rows.size();
    columns_ = columns;
    line_ = line;
    pixel_ = pixel;
    for (Index i = 0; i < rows_; ++i) {
      for (Index j = 0; j < columns; ++j) {
        starts_[static_cast<std::size_t>(i * columns + j)] = i * line + j * pixel;
      }
    }
  }
  return {seen.data, 1, starts_.data()};
}

template <class T>
bool Convolver<T>::joined(const Sight<const T>& seen, const Piece& piece) const {
  return piece.tap_columns.size() == 1 || c_.window.dilation_width * seen.pixel == piece.channels.size();
}

template <class T>
void Convolver<T>::forward(const T* x, const Weights& w, const T* bias, Activate<T> activate, bool accumulate, T* y) {
  const Window& window = c_.window;
  for (Index i = 0; i < bands_.count(); ++i) {
    const Band band = bands_[i];
    const Index filter = band.filters.begin - band.groups.begin * c_.multiplier();
    const Rows<T> out = bands_.output(y, band);
    if (accumulate) {
      bands_.read(y, band);
    }
    bool first = !accumulate;
    for (Index j = 0; j < bands_.pieces(); ++j) {
      const Piece piece = bands_.piece(j);
      const Sight<const T> seen = bands_.see(x, band, piece);
      if (c_.depthwise()) {
        const Index row = row_of_weights(c_, piece.tap_rows.begin, piece.tap_columns.begin, 0);
        kernels<T>().conv.convolve_channels(
            channelwise(c_, band, piece, seen.line, seen.pixel, w.row_stride, out.stride), seen.data,
            w.data + row * w.row_stride + band.filters.begin, bias ? bias + band.filters.begin : nullptr, !first,
            out.data);
        first = false;
        continue;
      }
      // All that the piece sees, or what it sees in a row.
      const bool all = joined(seen, piece);
      const Index run = piece.channels.size() * (all ? piece.tap_columns.size() : 1);
      const Index runs = all ? piece.tap_rows.size() : piece.tap_columns.size();
      const Index down = window.dilation_height * seen.line, right = window.dilation_width * seen.pixel;
      for (Index row = piece.tap_rows.begin; row < piece.tap_rows.end; row += all ? runs : 1) {
        Rows<const T> a = places(seen, band);
        a.data += (row - piece.tap_rows.begin) * down;
        const Index from = row_of_weights(c_, row, piece.tap_columns.begin, piece.channels.begin);
        const bool last = j == bands_.pieces() - 1 && (all || row == piece.tap_rows.end - 1);
        kernels<T>().product.multiply({.rows = band.places(),
                                       .columns = band.filters.size(),
                                       .depth = runs * run,
                                       .a = a,
                                       .run = runs > 1 ? run : 0,
                                       .run_step = all ? down : right,
                                       .b = {w.data + band.groups.begin * w.group_step + from * w.row_stride +
                                                 filter / kernels<T>().product.panel_width * w.panel_stride,
                                             w.row_stride, w.panel_stride, true},
                                       .c = out,
                                       .accumulate = !first,
                                       .bias = first && bias ? bias + band.filters.begin : nullptr,
                                       .activate = last ? activate : nullptr,
                                       .scratch = scratch()});
        first = false;
      }
    }
    if (c_.depthwise() && activate) {
      activate(out, out, band.places(), band.filters.size());
    }
    bands_.write(band, y);
  }
}

template <class T>
void Convolver<T>::forward(const T* x, const T* w, const T* bias, Activate<T> activate, bool accumulate, T* y) {
  forward(x, Weights{w, c_.multiplier(), c_.filters, kernels<T>().product.panel_width}, bias, activate, accumulate, y);
}

template <class T>
void Convolver<T>::gradient(const T* x, const T* dy, Range units, bool accumulate, T* dw) {
  const Window& window = c_.window;
  for (Index i = 0; i < bands_.count(); ++i) {
    const Band band = bands_[i];
    const Index first = c_.depthwise() ? 0 : band.groups.begin * window.kernel_height;
    const Range mine{std::max(units.begin - first, Index{0}), std::min(units.end - first, window.kernel_height)};
    if (mine.size() <= 0) {
      continue;
    }
    const bool adds = accumulate || band.rows.begin > 0 || band.columns.begin > 0;
    bands_.read(dy, band);
    const Rows<const T> out = bands_.output(dy, band);
    for (Index j = 0; j < bands_.pieces(); ++j) {
      const Piece piece = bands_.piece(j);
      const auto to = [&](Index row, Index column) {
        return dw + row_of_weights(c_, row, column, piece.channels.begin) * c_.filters + band.filters.begin;
      };
      const Range rows =
          c_.depthwise() ? piece.tap_rows
                         : Range{std::max(piece.tap_rows.begin, mine.begin), std::min(piece.tap_rows.end, mine.end)};
      if (rows.size() <= 0) {
        continue;
      }
      const Sight<const T> seen = bands_.see(x, band, piece);
      if (c_.depthwise()) {
        kernels<T>().conv.correlate_channels(
            channelwise(c_, band, piece, seen.line, seen.pixel, c_.filters, out.stride), seen.data, out.data, adds,
            to(rows.begin, piece.tap_columns.begin));
        continue;
      }
      const Index together = joined(seen, piece) ? piece.tap_columns.size() : 1;
      for (Index row = rows.begin; row < rows.end; ++row) {
        for (Index column = piece.tap_columns.begin; column < piece.tap_columns.end; column += together) {
          const T* const from = seen.data + (row - piece.tap_rows.begin) * window.dilation_height * seen.line +
                                (column - piece.tap_columns.begin) * window.dilation_width * seen.pixel;
          kernels<T>().product.multiply({.rows = together * piece.channels.size(),
                                         .columns = band.filters.size(),
                                         .depth = band.places(),
                                         .a = {from, window.stride_width * seen.pixel},
                                         .a_transposed = true,
                                         .run = band.rows.size() > 1 ? band.columns.size() : 0,
                                         .run_step = window.stride_height * seen.line,
                                         .b = {out.data, out.stride, kernels<T>().product.panel_width, true},
                                         .c = {to(row, column), c_.filters},
                                         .accumulate = adds,
                                         .scratch = scratch()});
        }
      }
    }
  }
}

template <class T>
InputGradient<T>::InputGradient(const Convolution& c) : c_(c), bands_(c), back_(reverses(c) ? reversed(c) : c) {}

// The weights' transposes, of all taps of a group from the last to the first; or weights in that order.
template <class T>
Index InputGradient<T>::packed(const Convolution& c) {
  return c.depthwise() ? c.rows() * c.filters
                       : checked_product(c.groups, packed_size<T>(c.window.taps() * c.multiplier(), c.channels()));
}

template <class T>
void InputGradient<T>::pack(const Team& team, const T* w, T* to) const {
  const Index taps = c_.window.taps(), channels = c_.channels(), filters = c_.multiplier();
  if (c_.depthwise()) {
    const Range mine = team.split(taps);
    for (Index tap = mine.begin; tap < mine.end; ++tap) {
      std::copy_n(w + (taps - 1 - tap) * c_.filters, c_.filters, to + tap * c_.filters);
    }
    return;
  }
  const Index width = kernels<T>().product.packed_width(channels), panels = (channels + width - 1) / width;
  const Range mine = team.split(c_.groups * panels);
  for (Index i = mine.begin; i < mine.end; ++i) {
    const Index group = i / panels, panel = i % panels;
    T* const first = to + i * taps * filters * width;
    for (Index tap = 0; tap < taps; ++tap) {
      kernels<T>().product.pack(w + tap * channels * c_.filters + group * filters, c_.filters, true, filters, channels,
                                {panel, panel + 1}, first + ((taps - 1 - tap) - panel) * filters * width);
    }
  }
}

template <class T>
void InputGradient<T>::run(const T* dy, const T* packed, bool accumulate, T* dx) {
  if (!reverses(c_)) {
    if (!accumulate) {
      std::fill_n(dx, c_.window.size(), T(0));
    }
    spread(dy, packed, dx);
  } else if (c_.depthwise()) {
    back_.forward(dy, packed, nullptr, nullptr, accumulate, dx);
  } else {
    const Index depth = c_.window.taps() * c_.multiplier();
    const Panels<T> panels = packed_panels<T>(packed, depth, c_.channels());
    back_.forward(dy, {packed, packed_size<T>(depth, c_.channels()), panels.row_stride, panels.panel_stride}, nullptr,
                  nullptr, accumulate, dx);
  }
}

// dx += what each place gives to the pixels that it sees.
template <class T>
void InputGradient<T>::spread(const T* dy, const T* packed, T* dx) const {
  const Window& w = c_.window;
  const Index filters = c_.multiplier(), depth = w.taps() * filters;
  const Index group_size = packed_size<T>(depth, c_.channels()),
              width = kernels<T>().product.packed_width(c_.channels());
  for (Index i = 0; i < bands_.count(); ++i) {
    const Band band = bands_[i];
    bands_.read(dy, band);
    const Rows<const T> out = bands_.output(dy, band);
    for (Index j = 0; j < bands_.pieces(); ++j) {
      const Piece piece = bands_.piece(j);
      bands_.change(dx, band, piece, [&](const Sight<T>& pixels) {
        if (c_.depthwise()) {
          const Index tap = row_of_weights(c_, piece.tap_rows.begin, piece.tap_columns.begin, 0);
          kernels<T>().conv.spread_channels(
              channelwise(c_, band, piece, pixels.line, pixels.pixel, -c_.filters, out.stride), out.data,
              packed + (w.taps() - 1 - tap) * c_.filters + band.filters.begin, pixels.data);
          return;
        }
        for (Index row = piece.tap_rows.begin; row < piece.tap_rows.end; ++row) {
          for (Index column = piece.tap_columns.begin; column < piece.tap_columns.end; ++column) {
            Panels<T> b = packed_panels<T>(packed + band.groups.begin * group_size, depth, c_.channels());
            const Index tap = w.taps() - 1 - (row * w.kernel_width + column);
            b.data += piece.channels.begin / width * b.panel_stride +
                      (tap * filters + band.filters.begin - band.groups.begin * filters) * b.row_stride;
            T* const to = pixels.data + (row - piece.tap_rows.begin) * w.dilation_height * pixels.line +
                          (column - piece.tap_columns.begin) * w.dilation_width * pixels.pixel;
            for (Index line = 0; line < band.rows.size(); ++line) {
              kernels<T>().product.multiply(
                  {.rows = band.columns.size(),
                   .columns = piece.channels.size(),
                   .depth = band.filters.size(),
                   .a = out.from(line * band.columns.size()),
                   .b = b,
                   .c = {to + line * w.stride_height * pixels.line, w.stride_width * pixels.pixel},
                   .accumulate = true,
                   .scratch = scratch()});
            }
          }
        }
      });
    }
  }
}

template class Convolver<float>;
template class Convolver<double>;
template class InputGradient<float>;
template class InputGradient<double>;

}  // namespace fastopt::ops
