#include "ops/conv.h"

#include <algorithm>

#include "kernels/product/args.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

namespace fastopt::ops {

namespace {

// Rows of the weights that are taken at a time, and filters that go with them, channels first.
constexpr Index most_rows = 640, most_filters = 2048;
constexpr Index slack = alignment;  // elements behind patches, and behind what stands for the output

// Places whose patches, and channels first their outputs, fit into the scratch.
template <class T>
Index most_places(const Convolution& c) {
  const Index room = static_cast<Index>(patch_scratch / sizeof(T)) - 2 * slack;
  const Index outputs = c.window.channels_last ? 0 : std::min(c.multiplier(), most_filters);
  return c.pointwise() ? c.window.places() : room / (std::min(c.rows(), most_rows) + patch_gap + outputs);
}

}  // namespace

template <class T>
Convolver<T>::Convolver(const Convolution& c)
    : c_(c),
      pointwise_(c.pointwise()),
      taps_{c.window.taps(), std::max<Index>(1, most_rows / c.channels())},
      channels_{c.channels(), pointwise_ ? c.channels() : most_rows},
      filters_{c.multiplier(), c.window.channels_last ? c.multiplier() : most_filters},
      places_{c.window.places(), most_places<T>(c)} {}

template <class T>
auto Convolver<T>::piece(Index i) const -> Piece {
  const Range taps = taps_[i / channels_.count()], channels = channels_[i % channels_.count()];
  return {taps, channels, taps.begin * c_.channels() + channels.begin, taps.size() * channels.size()};
}

template <class T>
auto Convolver<T>::band(Index i) const -> Band {
  const Index part = i / places_.count(), group = part / filters_.count(), first = group * c_.multiplier();
  const Range filters = filters_[part % filters_.count()];
  return {group, {first + filters.begin, first + filters.end}, places_[i % places_.count()]};
}

// The scratch: patches; and what stands for a part of an output that has its channels first.
template <class T>
Rows<T> Convolver<T>::patches(const Piece& piece) const {
  return {reinterpret_cast<T*>(scratch_for_patches()), piece.rows + patch_gap};
}

template <class T>
T* Convolver<T>::turned(const Band& band) const {
  return reinterpret_cast<T*>(scratch_for_patches()) +
         band.places.size() * (std::min(c_.rows(), most_rows) + patch_gap) + slack;
}

template <class T>
Patches Convolver<T>::seen(const Band& band, const Piece& piece) const {
  const Index first = band.group * c_.channels();
  return {c_.window,
          band.places,
          piece.taps,
          {first + piece.channels.begin, first + piece.channels.end},
          piece.rows + patch_gap};
}

template <class T>
Rows<const T> Convolver<T>::gather(const T* x, const Band& band, const Piece& piece) const {
  if (pointwise_) {
    return {x + band.places.begin * c_.window.channels + band.group * c_.channels(), c_.window.channels};
  }
  const Rows<T> to = patches(piece);
  kernels<T>().conv.gather(seen(band, piece), x, to.data);
  return {to.data, to.stride};
}

// As rows of places.
template <class T>
template <class U>
Rows<U> Convolver<T>::output(U* y, const Band& band) const {
  return c_.window.channels_last ? Rows<U>{y + band.places.begin * c_.filters + band.filters.begin, c_.filters}
                                 : Rows<U>{turned(band), band.filters.size()};
}

template <class T>
void Convolver<T>::read(const T* y, const Band& band) const {
  if (!c_.window.channels_last) {
    kernels<T>().conv.transpose(y + band.filters.begin * c_.window.places() + band.places.begin, c_.window.places(),
                                band.filters.size(), band.places.size(), turned(band), band.filters.size());
  }
}

template <class T>
void Convolver<T>::write(const Band& band, T* y) const {
  if (!c_.window.channels_last) {
    kernels<T>().conv.transpose(turned(band), band.filters.size(), band.places.size(), band.filters.size(),
                                y + band.filters.begin * c_.window.places() + band.places.begin, c_.window.places());
  }
}

template <class T>
void Convolver<T>::forward(const T* x, const T* w, const T* bias, Activate<T> activate, bool accumulate, T* y) const {
  if (c_.depthwise()) {
    kernels<T>().conv.convolve_channels(c_.window, c_.multiplier(), x, w, bias, accumulate, y);
    if (activate) {
      activate({y, c_.filters}, {y, c_.filters}, c_.window.places(), c_.filters);
    }
    return;
  }
  for (Index i = 0; i < bands(); ++i) {
    const Band some = band(i);
    if (accumulate) {
      read(y, some);
    }
    for (Index j = 0; j < pieces(); ++j) {
      const Piece part = piece(j);
      kernels<T>().product.multiply(
          {.rows = some.places.size(),
           .columns = some.filters.size(),
           .depth = part.rows,
           .a = gather(x, some, part),
           .b = {w + part.row * c_.filters + some.filters.begin, c_.filters, kernels<T>().product.panel_width, true},
           .c = output(y, some),
           .accumulate = accumulate || j > 0,
           .bias = bias && j == 0 ? bias + some.filters.begin : nullptr,
           .activate = j == pieces() - 1 ? activate : nullptr,
           .scratch = scratch()});
    }
    write(some, y);
  }
}

template <class T>
Index Convolver<T>::packed_group() const {
  Index size = 0;
  for (Index j = 0; j < pieces(); ++j) {
    size += packed_size<T>(c_.multiplier(), piece(j).rows);
  }
  return size;
}

template <class T>
Index Convolver<T>::packed() const {
  return c_.depthwise() ? c_.rows() * c_.filters : checked_product(c_.groups, packed_group());
}

template <class T>
void Convolver<T>::pack(const Team& team, const T* w, T* to) const {
  if (c_.depthwise()) {
    const Range mine = team.split(packed(), alignment);
    std::copy(w + mine.begin, w + mine.end, to + mine.begin);
    return;
  }
  const Index filters = c_.multiplier();
  for (Index group = 0; group < c_.groups; ++group) {
    for (Index j = 0; j < pieces(); ++j) {
      const Piece part = piece(j);
      pack_share(team, w + part.row * c_.filters + group * filters, c_.filters, true, filters, part.rows, to);
      to += packed_size<T>(filters, part.rows);
    }
  }
}

template <class T>
void Convolver<T>::backward(const T* dy, const T* packed, bool accumulate, T* dx) const {
  if (!accumulate && !pointwise_) {
    std::fill_n(dx, c_.window.size(), T(0));
  }
  if (c_.depthwise()) {
    kernels<T>().conv.spread_channels(c_.window, c_.multiplier(), dy, packed, dx);
    return;
  }
  const Index filters = c_.multiplier();
  for (Index i = 0; i < bands(); ++i) {
    const Band some = band(i);
    read(dy, some);
    const T* panels = packed + some.group * packed_group();
    for (Index j = 0; j < pieces(); ++j) {
      const Piece part = piece(j);
      Panels<T> b = packed_panels<T>(panels, filters, part.rows);
      b.data += (some.filters.begin - some.group * filters) * b.row_stride;
      panels += packed_size<T>(filters, part.rows);
      const Rows<T> pixels{dx + some.places.begin * c_.window.channels + some.group * c_.channels(),
                           c_.window.channels};
      const Rows<T> to = pointwise_ ? pixels : patches(part);
      kernels<T>().product.multiply({.rows = some.places.size(),
                                     .columns = part.rows,
                                     .depth = some.filters.size(),
                                     .a = output(dy, some),
                                     .b = b,
                                     .c = to,
                                     .accumulate = accumulate && pointwise_,
                                     .scratch = scratch()});
      if (!pointwise_) {
        kernels<T>().conv.scatter(seen(some, part), to.data, dx);
      }
    }
  }
}

template <class T>
void Convolver<T>::gradient(const T* x, const T* dy, Range units, bool accumulate, T* dw) const {
  if (c_.depthwise()) {
    kernels<T>().conv.correlate_channels(c_.window, c_.multiplier(), x, dy, accumulate, dw);
    return;
  }
  for (Index i = 0; i < bands(); ++i) {
    const Band some = band(i);
    const Index first = some.group * pieces();
    const Range mine{std::max(units.begin - first, Index{0}), std::min(units.end - first, pieces())};
    if (mine.size() <= 0) {
      continue;
    }
    read(dy, some);
    const Rows<const T> of_output = output(dy, some);
    for (Index j = mine.begin; j < mine.end; ++j) {
      const Piece part = piece(j);
      kernels<T>().product.multiply({.rows = part.rows,
                                     .columns = some.filters.size(),
                                     .depth = some.places.size(),
                                     .a = gather(x, some, part),
                                     .a_transposed = true,
                                     .b = {of_output.data, of_output.stride, kernels<T>().product.panel_width, true},
                                     .c = {dw + part.row * c_.filters + some.filters.begin, c_.filters},
                                     .accumulate = accumulate || some.places.begin > 0,
                                     .scratch = scratch()});
    }
  }
}

template class Convolver<float>;
template class Convolver<double>;

}  // namespace fastopt::ops
