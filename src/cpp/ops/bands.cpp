#include "ops/bands.h"

#include "core/buffer.h"
#include "kernels/update/args.h"
#include "runtime/cpu.h"
#include "runtime/scratch.h"

namespace fastopt::ops {

namespace {

// Parts of filters and channels are multiples of the width of every panel.
constexpr Index most_groups = 256, most_filters = 2048, most_channels = 640;

// Elements of the scratch, but for some that vectors may read beyond the end.
template <class T>
constexpr Index room = static_cast<Index>(image_scratch / sizeof(T)) - alignment;

}  // namespace

template <class T>
Bands<T>::Bands(const Convolution& c)
    : c_(c),
      groups_{c.groups, c.depthwise() ? most_groups : 1},
      filters_{c.multiplier(), c.depthwise() || c.window.channels_last ? c.multiplier() : most_filters},
      channels_{c.channels(), most_channels},
      rows_{c.window.out_height, 1, true},
      columns_{c.window.out_width, 1, true} {
  split();
  if (!fit()) {
    whole_ = false;
    split();
  }
}

// Rows of places as many as have all that they see in the scratch, or else parts of a row.
template <class T>
void Bands<T>::split() {
  rows_.most = rows_.total;
  columns_.most = columns_.total;
  for (Parts* parts : {&rows_, &columns_}) {
    for (Index i = 2; !fit() && parts->most > 1; ++i) {
      parts->most = (parts->total + i - 1) / i;
    }
  }
}

template <class T>
bool Bands<T>::fit() const {
  const Window& w = c_.window;
  const Rectangle all =
      seen({{}, {}, {0, w.out_height}, {0, w.out_width}}, {{0, w.kernel_height}, {0, w.kernel_width}, {}});
  const Piece part = piece(0);
  const Rectangle one = seen({{}, {}, {0, rows_.most}, {0, columns_.most}}, part);
  const double pixels = static_cast<double>(one.rows.size()) * static_cast<double>(one.columns.size());
  const double copied = copies(all) ? pixels * static_cast<double>(part.channels.size() * groups_[0].size()) : 0;
  return rows_.most * columns_.most <= most_places && copied <= static_cast<double>(room<T> - size_of_output());
}

template <class T>
Band Bands<T>::operator[](Index i) const {
  const Range groups = groups_[i / parts()];
  i %= parts();
  const Index column = i % columns_.count(), row = i / columns_.count() % rows_.count();
  const Range filters = filters_[i / columns_.count() / rows_.count()];
  const Index first = groups.begin * c_.multiplier();
  return {groups,
          {first + filters.begin, first + (groups.size() - 1) * c_.multiplier() + filters.end},
          rows_[row],
          columns_[column]};
}

template <class T>
Piece Bands<T>::piece(Index i) const {
  const Window& w = c_.window;
  if (whole_) {
    return {{0, w.kernel_height}, {0, w.kernel_width}, {0, c_.channels()}};
  }
  const Index tap = i / channels_.count(), row = tap / w.kernel_width, column = tap % w.kernel_width;
  return {{row, row + 1}, {column, column + 1}, channels_[i % channels_.count()]};
}

template <class T>
auto Bands<T>::seen(const Band& band, const Piece& piece) const -> Rectangle {
  const auto along = [](Range places, Range taps, Index stride, Index dilation, Index pad) {
    return Range{places.begin * stride + taps.begin * dilation - pad,
                 (places.end - 1) * stride + (taps.end - 1) * dilation - pad + 1};
  };
  const Window& w = c_.window;
  return {along(band.rows, piece.tap_rows, w.stride_height, w.dilation_height, w.pad_top),
          along(band.columns, piece.tap_columns, w.stride_width, w.dilation_width, w.pad_left)};
}

template <class T>
bool Bands<T>::inside(const Rectangle& r) const {
  return r.rows.begin >= 0 && r.rows.end <= c_.window.height && r.columns.begin >= 0 &&
         r.columns.end <= c_.window.width;
}

template <class T>
bool Bands<T>::copies(const Rectangle& r) const {
  return !c_.window.channels_last || !inside(r);
}

template <class T>
Sight<T> Bands<T>::sight(T* x, const Rectangle& r, const Band& band, const Piece& piece) const {
  const Window& w = c_.window;
  const Index channels = piece.channels.size() * band.groups.size();
  if (!copies(r)) {
    return {x + (r.rows.begin * w.width + r.columns.begin) * w.channels + band.groups.begin * c_.channels() +
                piece.channels.begin,
            w.width * w.channels, w.channels};
  }
  return {scratch_for_output() + round_up(size_of_output(), alignment / Index{sizeof(T)}), r.columns.size() * channels,
          channels};
}

// Of channels last, pixels that lie side by side in both are a single one.
template <class T>
template <class F>
void Bands<T>::for_each_line(const Rectangle& r, const Sight<T>& pixels, const Band& band, const Piece& piece,
                             F&& f) const {
  const Window& w = c_.window;
  const Index channel = band.groups.begin * c_.channels() + piece.channels.begin;
  const Index first = std::max(r.columns.begin, Index{0}), size = std::min(r.columns.end, w.width) - first;
  for (Index row = std::max(r.rows.begin, Index{0}); size > 0 && row < std::min(r.rows.end, w.height); ++row) {
    const Index place = row * w.width + first;
    f(w.channels_last ? place * w.channels + channel : channel * w.height * w.width + place,
      pixels.data + (row - r.rows.begin) * pixels.line + (first - r.columns.begin) * pixels.pixel, size);
  }
}

template <class T>
Sight<const T> Bands<T>::see(const T* x, const Band& band, const Piece& piece) const {
  const Window& w = c_.window;
  const Rectangle r = seen(band, piece);
  const Sight<T> pixels = sight(const_cast<T*>(x), r, band, piece);  // which is only read
  if (!inside(r)) {
    std::fill_n(pixels.data, r.rows.size() * pixels.line, T(0));
  }
  if (copies(r)) {
    for_each_line(r, pixels, band, piece, [&](Index from, T* to, Index size) {
      const Index n = pixels.pixel;
      if (n == w.channels && (w.channels_last || n == 1)) {
        std::copy_n(x + from, size * n, to);
      } else if (w.channels_last) {
        for (Index i = 0; i < size; ++i) {
          std::copy_n(x + from + i * w.channels, n, to + i * n);
        }
      } else {
        kernels<T>().conv.transpose(x + from, w.height * w.width, n, size, to, n);
      }
    });
  }
  return {pixels.data, pixels.line, pixels.pixel};
}

template <class T>
Sight<T> Bands<T>::begin_change(T* dx, const Band& band, const Piece& piece) const {
  const Rectangle r = seen(band, piece);
  const Sight<T> pixels = sight(dx, r, band, piece);
  if (copies(r)) {
    std::fill_n(pixels.data, r.rows.size() * pixels.line, T(0));
  }
  return pixels;
}

template <class T>
void Bands<T>::end_change(const Sight<T>& pixels, const Band& band, const Piece& piece, T* dx) const {
  const Window& w = c_.window;
  const Rectangle r = seen(band, piece);
  if (!copies(r)) {
    return;
  }
  const Index step = w.channels_last ? w.channels : 1, channel = w.channels_last ? 1 : w.height * w.width;
  for_each_line(r, pixels, band, piece, [&](Index to, const T* from, Index size) {
    for (Index i = 0; i < size; ++i) {
      for (Index k = 0; k < pixels.pixel; ++k) {
        dx[to + i * step + k * channel] += from[i * pixels.pixel + k];
      }
    }
  });
}

template <class T>
Index Bands<T>::size_of_output() const {
  const Index filters = std::min(filters_.total, filters_.most) * groups_[0].size();
  return c_.window.channels_last ? 0 : rows_.most * columns_.most * filters;
}

template <class T>
T* Bands<T>::scratch_for_output() const {
  return reinterpret_cast<T*>(scratch_for_images());
}

template <class T>
void Bands<T>::read(const T* y, const Band& band) const {
  if (!c_.window.channels_last) {
    kernels<T>().conv.transpose(y + band.filters.begin * c_.window.places() + first_place(band), c_.window.places(),
                                band.filters.size(), band.places(), scratch_for_output(), band.filters.size());
  }
}

template <class T>
void Bands<T>::write(const Band& band, T* y) const {
  if (!c_.window.channels_last) {
    kernels<T>().conv.transpose(scratch_for_output(), band.filters.size(), band.places(), band.filters.size(),
                                y + band.filters.begin * c_.window.places() + first_place(band), c_.window.places());
  }
}

template class Bands<float>;
template class Bands<double>;

}  // namespace fastopt::ops
