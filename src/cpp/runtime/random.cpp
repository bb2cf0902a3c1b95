// Compiled without fused multiply-adds and without the processor's own mathematics, so that every machine draws the
// same numbers.
#include "runtime/random.h"

#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

#include "runtime/cpu.h"
#include "simd/math.h"

namespace fastopt {

namespace {

// Calls use(i, words) with the `per_item` words of item i, in order.
template <int per_item, class F>
void for_each_draw(std::uint64_t seed, std::uint64_t stream, Index count, F&& use) {
  constexpr Index items = 256;
  static_assert(items * per_item % 4 == 0);
  std::uint32_t words[items * per_item];
  for (Index first = 0; first < count; first += items) {
    const Index here = count - first < items ? count - first : items;
    kernel_table().philox(seed, stream, static_cast<std::uint64_t>(first * per_item / 4), here * per_item, words);
    for (Index i = 0; i < here; ++i) {
      use(first + i, words + i * per_item);
    }
  }
}

std::uint64_t join(const std::uint32_t* words) {
  return words[0] | std::uint64_t{words[1]} << 32;
}

double log_of(double x) {
  using Scalar = baseline::stdx::simd<double, baseline::stdx::simd_abi::scalar>;
  return baseline::math::log(Scalar(x))[0];
}

double ratio(double x, const double (&p)[8], const double (&q)[8]) {
  double above = p[7], below = q[7];
  for (int i = 6; i >= 0; --i) {
    above = above * x + p[i];
    below = below * x + q[i];
  }
  return above / below;
}

// The inverse of the normal distribution function: algorithm AS 241, PPND16 (Wichura, 1988).
double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    return q *
           ratio(0.180625 - q * q,
                 {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                  4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
                 {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                  2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3});
  }
  const double r = std::sqrt(-log_of(q < 0 ? p : 1 - p));
  const double x = r <= 5 ? ratio(r - 1.6,
                                  {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                                   3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                                   2.27238449892691845833e-2, 7.74545014278341407640e-4},
                                  {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                                   1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                   1.05075007164441684324e-9})
                          : ratio(r - 5,
                                  {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                                   2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                   2.71155556874348757815e-5, 2.01033439929228813265e-7},
                                  {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                   7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                                   2.04426310338993978564e-15});
  return q < 0 ? -x : x;
}

// Calls use(i, number) with a number from N(0, 1) for each item.
template <class T, class F>
void for_each_normal(std::uint64_t seed, std::uint64_t stream, Index count, F&& use) {
  for_each_draw<2>(seed, stream, count, [&](Index i, const std::uint32_t* words) {
    // The middle of one of 2^52 cells: never 0 or 1.
    use(i, static_cast<T>(normal_quantile((static_cast<double>(join(words) >> 12) + 0.5) * 0x1p-52)));
  });
}

}  // namespace

void random_words(std::uint64_t seed, std::uint64_t stream, Index count, std::uint32_t* out) {
  kernel_table().philox(seed, stream, 0, count, out);
}

template <class T>
void random_uniform(std::uint64_t seed, std::uint64_t stream, Index count, T* out) {
  if constexpr (std::is_same_v<T, float>) {
    for_each_draw<1>(seed, stream, count, [&](Index i, const std::uint32_t* words) {
      out[i] = static_cast<float>(words[0] >> 8) * 0x1p-24F;
    });
  } else {
    for_each_draw<2>(seed, stream, count, [&](Index i, const std::uint32_t* words) {
      out[i] = static_cast<double>(join(words) >> 11) * 0x1p-53;
    });
  }
}

template <class T>
void random_normal(std::uint64_t seed, std::uint64_t stream, Index count, T* out) {
  for_each_normal<T>(seed, stream, count, [&](Index i, T number) { out[i] = number; });
}

template <class T>
void add_random_normal(std::uint64_t seed, std::uint64_t stream, Index count, double stddev, const T* x, T* out) {
  const T s = static_cast<T>(stddev);
  for_each_normal<T>(seed, stream, count, [&](Index i, T number) { out[i] = x[i] + s * number; });
}

void random_permutation(std::uint64_t seed, std::uint64_t stream, Index count, Index* out) {
  std::iota(out, out + count, Index{0});
  for_each_draw<2>(seed, stream, count - 1, [&](Index i, const std::uint32_t* words) {
    const auto left = static_cast<std::uint64_t>(count - i);
    const auto pick = static_cast<Index>((static_cast<unsigned __int128>(join(words)) * left) >> 64);
    std::swap(out[i], out[i + pick]);
  });
}

template void random_uniform(std::uint64_t, std::uint64_t, Index, float*);
template void random_uniform(std::uint64_t, std::uint64_t, Index, double*);
template void random_normal(std::uint64_t, std::uint64_t, Index, float*);
template void random_normal(std::uint64_t, std::uint64_t, Index, double*);
template void add_random_normal(std::uint64_t, std::uint64_t, Index, double, const float*, float*);
template void add_random_normal(std::uint64_t, std::uint64_t, Index, double, const double*, double*);

}  // namespace fastopt
