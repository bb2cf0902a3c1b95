#include "ops/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "runtime/cpu.h"
#include "runtime/random.h"
#include "runtime/team.h"

namespace fastopt {

namespace {

// Apart from the keys of shuffles and layers.
std::uint64_t key_of(std::uint64_t seed) {
  return seed ^ 0xA0761D6478BD642FU;
}

Index zeros_behind(ImageSize size) {
  return (size.width + 2) * size.channels;
}

// A part of a field begins at one of so many places along each axis.
constexpr Index field_places = 128;

// Of the key of all numbers that are made once.
enum Stream : std::uint8_t { vertical, horizontal, some, more };

// scale times numbers from U(-1, 1) [rows, columns], convolved with a Gaussian.
template <class T>
Buffer<T> smooth_field(Stream stream, Index rows, Index columns, double sigma, double scale) {
  const auto radius = static_cast<Index>(std::floor(4 * sigma)) + 1;
  const Index width = columns + 2 * radius, height = rows + 2 * radius, taps = 2 * radius + 1;
  std::vector<double> weights(static_cast<std::size_t>(taps)),
      numbers(static_cast<std::size_t>(checked_product(height, width))),
      between(static_cast<std::size_t>(height * columns));
  double sum = 0;
  for (Index k = 0; k < taps; ++k) {
    const double d = static_cast<double>(k - radius) / sigma;
    sum += weights[static_cast<std::size_t>(k)] = std::exp(-d * d / 2);
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  random_uniform(key_of(0), stream, height * width, numbers.data());
  // to[j] = sum_k weights[k] from[j + k step]
  const auto convolve = [&](const double* from, Index step, double* to) {
    for (Index k = 0; k < taps; ++k) {
      for (Index j = 0; j < columns; ++j) {
        to[j] += weights[static_cast<std::size_t>(k)] * from[j + k * step];
      }
    }
  };
  for (Index i = 0; i < height; ++i) {
    convolve(numbers.data() + i * width, 1, between.data() + i * columns);
  }
  Buffer<T> field(rows * columns);
  std::vector<double> row(static_cast<std::size_t>(columns));
  for (Index i = 0; i < rows; ++i) {
    std::ranges::fill(row, 0.0);
    convolve(between.data() + i * columns, columns, row.data());
    std::ranges::transform(row, field.data() + i * columns,
                           [&](double mean) { return static_cast<T>(scale * (2 * mean - 1)); });
  }
  return field;
}

void check(ImageSize size) {
  const Index columns = checked_product(checked_product(size.height, size.width), size.channels);
  if (columns > (Index{1} << 24)) {  // places of pixels are numbers of float32
    throw std::length_error("an image of " + std::to_string(size.height) + " x " + std::to_string(size.width) + " x " +
                            std::to_string(size.channels) + " is too large");
  }
}

}  // namespace

template <class T>
Augmentation<T>::Augmentation(const Augmenting& what) : what_(what) {
  check(what.size);
  if (what.distorts()) {
    const Index rows = what.size.height + field_places;
    stride_ = what.size.width + field_places;
    dy_ = smooth_field<T>(vertical, rows, stride_, what.sigma, what.alpha);
    dx_ = smooth_field<T>(horizontal, rows, stride_, what.sigma, what.alpha);
  }
  if (what.noise > 0) {
    noise_places_ = std::max<Index>(1 << 13, 8 * columns());
    some_noise_ = Buffer<T>(noise_places_ + columns());
    more_noise_ = Buffer<T>(noise_places_ + columns());
    random_normal(key_of(0), some, some_noise_.size(), some_noise_.data());
    random_normal(key_of(0), more, more_noise_.size(), more_noise_.data());
  }
}

template <class T>
typename Augmentation<T>::Layout Augmentation<T>::layout(T* memory) const {
  Layout at{};
  const auto take = [&](Index count) {
    T* const place = memory ? memory + at.used : nullptr;
    at.used += round_up(count, alignment / static_cast<Index>(sizeof(T)));
    return place;
  };
  at.read = take(columns() + zeros_behind(what_.size));
  at.changed = take(columns());
  at.warp = what_.warps() ? take(kernels<T>().augment.warp_memory(what_.size.width)) : nullptr;
  return at;
}

template <class T>
double Augmentation<T>::cost() const {
  return (1 + (what_.warps() ? 3 : 0) + (what_.noise > 0 ? 0.5 : 0)) * elementwise_cost *
         static_cast<double>(columns());
}

template <class T>
void Augmentation<T>::change(const Draws& draws, Index sample, const T* x, T* y, const Layout& at) const {
  std::uint32_t words[8];
  kernel_table().philox(key_of(draws.seed), draws.first + static_cast<std::uint64_t>(sample), draws.epoch << 32U, 8,
                        words);
  const auto below = [&](int i, Index limit) {
    return static_cast<Index>(static_cast<std::uint64_t>(words[i]) * static_cast<std::uint64_t>(limit) >> 32U);
  };
  const auto sign = [&](unsigned bit) { return words[5] >> bit & 1U ? T(-1) : T(1); };
  const bool flip = static_cast<double>(words[0]) * 0x1p-32 < what_.flip;
  const Index down = below(1, 2 * what_.crop + 1) - what_.crop, right = below(2, 2 * what_.crop + 1) - what_.crop;
  if (what_.warps()) {
    const auto [cosine, sine] = direction(what_.rotation * (static_cast<double>(words[3]) * 0x1p-31 - 1));
    const double side = flip ? -1 : 1;
    Warp<T> warp{.size = what_.size,
                 .x = x,
                 .y = y,
                 .yy = cosine,
                 .yx = sine,
                 .xy = -side * sine,
                 .xx = side * cosine,
                 .down = static_cast<double>(down),
                 .right = static_cast<double>(right),
                 .memory = at.warp};
    if (what_.distorts()) {
      const auto place = [&](unsigned bit) {
        return static_cast<Index>(words[4] >> bit & 0x7FU) * stride_ +
               static_cast<Index>(words[4] >> (bit + 8) & 0x7FU);
      };
      warp.dy = dy_.data() + place(0);
      warp.dx = dx_.data() + place(16);
      warp.dy_factor = sign(0);
      warp.dx_factor = sign(1);
      warp.stride = stride_;
    }
    kernels<T>().augment.warp(warp);
  } else {
    kernels<T>().augment.move(
        {.size = what_.size, .x = x, .y = y, .down = down, .right = flip ? -right : right, .flip = flip});
  }
  if (what_.noise > 0) {
    const T stddev = static_cast<T>(what_.noise * std::numbers::sqrt2 / 2);
    kernels<T>().augment.add_noise({.a = some_noise_.data() + below(6, noise_places_),
                                    .b = more_noise_.data() + below(7, noise_places_),
                                    .a_factor = sign(2) * stddev,
                                    .b_factor = sign(3) * stddev,
                                    .y = y,
                                    .size = columns()});
  }
}

template <class T>
void Augmentation<T>::rows(const Gather<T>& from, const Draws& draws, Index begin, T* memory) const {
  const Layout at = layout(memory);
  for (Index i = 0; i < from.rows; ++i) {
    Gather<T> one = from;
    one.index = from.index ? from.index + i : nullptr;
    one.data = static_cast<const char*>(from.data) + (from.index ? 0 : i * from.row_stride);
    one.rows = 1;
    one.to = {at.read, from.columns, nullptr};
    one.center = nullptr;
    kernels<T>().gather.rows(one);
    T* const to = from.to.row(i);
    change(draws, from.index ? from.index[i] : begin + i, at.read, from.center ? at.changed : to, at);
    if (from.center) {
      kernels<T>().gather.rows({.type = sizeof(T) == 4 ? Type::f32 : Type::f64,
                                .data = at.changed,
                                .row_stride = 0,
                                .column_stride = sizeof(T),
                                .rows = 1,
                                .columns = from.columns,
                                .to = {to, from.columns, nullptr},
                                .center = from.center});
    }
  }
}

template <class T>
void augment(const Augmentation<T>& how, const Gather<T>& from, const Draws& draws) {
  const Index needed = how.memory();
  Buffer<T> memory(checked_product(num_threads(), needed));
  run_team(threads_for(how.cost() * static_cast<double>(from.rows)), true, [&](const Team& team) {
    const Range share = team.split(from.rows);
    Gather<T> mine = from;
    mine.data = static_cast<const char*>(from.data) + share.begin * from.row_stride;
    mine.rows = share.size();
    mine.to = from.to.from(share.begin);
    how.rows(mine, draws, share.begin, memory.data() + team.rank() * needed);
  });
}

Direction direction(double degrees) {
  const double quarters = std::nearbyint(degrees / 90), rest = (degrees - 90 * quarters) * (std::numbers::pi / 180);
  const double c = std::cos(rest), s = std::sin(rest);
  switch (static_cast<int>(std::remainder(quarters, 4))) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case -1:
      return {s, -c};
    default:
      return {-c, -s};
  }
}

namespace {

// Calls each(image, warp) for images one by one, of which the warp has the place and room to work in.
template <class T, class F>
void warp_all(ImageSize size, const T* x, T* y, Index images, F&& each) {
  check(size);
  const Index columns = size.height * size.width * size.channels;
  const Index read = round_up(columns + zeros_behind(size), alignment);
  const Index needed = read + kernels<T>().augment.warp_memory(size.width);
  Buffer<T> memory(checked_product(num_threads(), needed));
  const double cost = 4 * elementwise_cost * static_cast<double>(images) * static_cast<double>(columns);
  run_team(threads_for(cost), false, [&](const Team& team) {
    T* const mine = memory.data() + team.rank() * needed;
    const Range share = team.split(images);
    for (Index i = share.begin; i < share.end; ++i) {
      std::copy_n(x + i * columns, columns, mine);
      Warp<T> warp{.size = size, .x = mine, .y = y + i * columns, .memory = mine + read};
      each(i, warp);
      kernels<T>().augment.warp(warp);
    }
  });
}

}  // namespace

template <class T>
void rotate(ImageSize size, const T* x, T* y, Index images, double degrees) {
  const Direction to = direction(degrees);
  warp_all(size, x, y, images, [=](Index, Warp<T>& warp) {
    warp.yy = warp.xx = to.cosine;
    warp.yx = to.sine;
    warp.xy = -to.sine;
  });
}

template <class T>
void distort(ImageSize size, const T* x, T* y, Index images, const T* dy, const T* dx) {
  warp_all(size, x, y, images, [=](Index i, Warp<T>& warp) {
    warp.dy = dy + i * size.height * size.width;
    warp.dx = dx + i * size.height * size.width;
    warp.stride = size.width;
  });
}

template class Augmentation<float>;
template class Augmentation<double>;
template void augment(const Augmentation<float>&, const Gather<float>&, const Draws&);
template void augment(const Augmentation<double>&, const Gather<double>&, const Draws&);
template void rotate(ImageSize, const float*, float*, Index, double);
template void rotate(ImageSize, const double*, double*, Index, double);
template void distort(ImageSize, const float*, float*, Index, const float*, const float*);
template void distort(ImageSize, const double*, double*, Index, const double*, const double*);

}  // namespace fastopt
