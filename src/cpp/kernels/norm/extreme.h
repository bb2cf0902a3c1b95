// Groups whose sum of squares T cannot hold, as that of floats above 1.8e19, or whose 1 / deviation is so far from 1
// that T cannot hold its cube: in long double, whose exponents are wider, an element at a time.
#pragma once

#include <cmath>

#include "kernels/norm/args.h"

namespace fastopt::FASTOPT_ISA {

// Where the elements of a group are in its row.
struct GroupPlaces {
  Index channels, space, first_channel, first, channel_stride, space_stride;

  Index size() const { return channels * space; }

  // f(place, channel)
  template <class F>
  void each(F&& f) const {
    for (Index c = 0; c < channels; ++c) {
      for (Index s = 0; s < space; ++s) {
        f(first + c * channel_stride + s * space_stride, first_channel + c);
      }
    }
  }
};

inline GroupPlaces group_places(const Features& f, Index groups, Index group) {
  const Index channels = f.channels / groups, first = group * channels;
  return f.channels_last ? GroupPlaces{channels, f.space, first, first, 1, f.channels}
                         : GroupPlaces{channels, f.space, first, first * f.space, f.space, 1};
}

template <class T>
void normalize_extreme(const GroupNorm<T>& p, Index group, const T* x, T* y, T* moments) {
  const GroupPlaces places = group_places(p.features, p.groups, group);
  const auto n = static_cast<long double>(places.size());
  long double mean = 0, squares = 0;
  if (p.centred) {
    places.each([&](Index at, Index) { mean += x[at]; });
    mean /= n;
  }
  places.each([&](Index at, Index) { squares += (x[at] - mean) * (x[at] - mean); });
  const long double rstd = 1 / std::sqrt(squares / n + p.epsilon);
  moments[group] = static_cast<T>(mean);
  moments[p.groups + group] = static_cast<T>(rstd);
  places.each([&](Index at, Index channel) {
    const long double value = (x[at] - mean) * rstd * (p.gamma ? p.gamma[channel] : T(1));
    y[at] = static_cast<T>(value + (p.beta ? p.beta[channel] : T(0)));
  });
}

// Some groups of the row x.
template <class T>
[[gnu::noinline]] void normalize_extreme(const GroupNorm<T>& p, Range groups, const T* x, T* y, T* moments) {
  for (Index group = groups.begin; group < groups.end; ++group) {
    normalize_extreme(p, group, x, y, moments);
  }
}

template <class T>
bool is_extreme(T rstd) {
  constexpr T least = sizeof(T) == 4 ? T(1e-10) : T(1e-90);
  return !(rstd > least && rstd < 1 / least);
}

template <class T>
void differentiate_extreme(const GroupNormBackward<T>& p, Index group, const T* x, const T* dy, const T* moments, T* dx,
                           bool summing) {
  const GroupPlaces places = group_places(p.features, p.groups, group);
  const auto n = static_cast<long double>(places.size());
  const long double mean = moments[group], rstd = moments[p.groups + group];
  const auto normalized = [&](Index at) { return (x[at] - mean) * rstd; };
  const auto gradient = [&](Index at, Index channel) {
    return static_cast<long double>(dy[at]) * (p.gamma ? p.gamma[channel] : T(1));
  };
  long double slope = 0, level = 0;
  places.each([&](Index at, Index channel) {
    slope += gradient(at, channel) * normalized(at);
    level += gradient(at, channel);
  });
  slope /= n;
  level = p.centred ? level / n : 0;
  places.each([&](Index at, Index channel) {
    const long double d = gradient(at, channel);
    if (summing) {
      p.dgamma[channel] += static_cast<T>(dy[at] * normalized(at));
      p.dbeta[channel] += dy[at];
    }
    dx[at] = static_cast<T>(rstd * (d - normalized(at) * slope - level));
  });
}

// The gradient of some groups of the row x and, if `summing`, what the sums gain.
template <class T>
[[gnu::noinline]] void differentiate_extreme(const GroupNormBackward<T>& p, Range groups, const T* x, const T* dy,
                                             const T* moments, T* dx, bool summing) {
  for (Index group = groups.begin; group < groups.end; ++group) {
    differentiate_extreme(p, group, x, dy, moments, dx, summing);
  }
}

}  // namespace fastopt::FASTOPT_ISA
