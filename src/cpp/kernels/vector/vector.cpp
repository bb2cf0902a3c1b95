#include "kernels/vector/args.h"

#include "kernels/topics.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

namespace {

using Double = Vec<double>;

// Elements of T as doubles.
template <class T>
[[gnu::always_inline]] inline Double load_double(const T* p) {
  return Double(p, stdx::element_aligned);
}

// Calls f(i, load, store) for each vector of doubles of 0..n-1; what is loaded may be of another type.
template <class F>
[[gnu::always_inline]] inline void for_each_double(Index n, F&& f) {
  Index i = 0;
  for (; i + lanes<double> <= n; i += lanes<double>) {
    f(i, [](const auto* p) { return load_double(p); }, [](const Double& v, double* p) { store<double>(v, p); });
  }
  if (i < n) {
    const Mask<double> mask = first_lanes<double>(n - i);
    const auto rest = [&](const auto* p) {
      return Double([&](auto k) { return mask[k] ? static_cast<double>(p[k]) : 0.0; });
    };
    f(i, rest, [&](const Double& v, double* p) { store<double>(v, p, mask); });
  }
}

template <class T, class X>
double dot(const T* row, const X* x, Index size) {
  constexpr int vectors = 4;
  constexpr Index step = Index{vectors} * lanes<double>;
  Double total[vectors] = {};
  Index i = 0;
  for (; i + step <= size; i += step) {
    unroll<vectors>([&](auto v) __attribute__((always_inline)) {
      const Index at = i + v * lanes<double>;
      total[v] += load_double(row + at) * load_double(x + at);
    });
  }
  for_each_double(size - i, [&](Index v, auto load, auto)
                                __attribute__((always_inline)) { total[0] += load(row + i + v) * load(x + i + v); });
  return reduce((total[0] + total[1]) + (total[2] + total[3]));
}

// y = x + the sum of `many` rows, so that y is read and written once for them.
template <int many, class T>
void combine_some(const double* x, const T* const* rows, const double* c, Range part, double* y) {
  Double factors[many];
  unroll<many>([&](auto j) __attribute__((always_inline)) { factors[j] = Double(c[j]); });
  for_each_double(part.size(), [&](Index v, auto load, auto store) __attribute__((always_inline)) {
    const Index i = part.begin + v;
    Double sum = x ? load(x + i) : Double(0);
    unroll<many>([&](auto j) __attribute__((always_inline)) { sum += factors[j] * load(rows[j] + i); });
    store(sum, y + i);
  });
}

template <class T>
void combine(const double* x, const T* const* rows, const double* c, Index count, Range part, double* y) {
  constexpr Index most = 4;
  Index j = 0;
  for (; j + most <= count; j += most) {
    combine_some<most, T>(j ? y : x, rows + j, c + j, part, y);
  }
  for (; j < count; ++j) {
    combine_some<1, T>(j ? y : x, rows + j, c + j, part, y);
  }
}

template <class T>
void subtract(const double* x, const double* y, Range part, T* row) {
  Index i = part.begin;
  for (; i + lanes<double> <= part.end; i += lanes<double>) {
    (load<double>(x + i) - load<double>(y + i)).copy_to(row + i, stdx::element_aligned);
  }
  for (; i < part.end; ++i) {
    row[i] = static_cast<T>(x[i] - y[i]);
  }
}

template <class T>
double largest(const T* x, Index size) {
  constexpr Index step = 2 * Index{lanes<double>};
  Double most = 0, other = 0;  // the largest so far, or NaN
  Index i = 0;
  const auto take = [](Double& m, const Double& v)
                        __attribute__((always_inline)) { where(!(v <= m) && m == m, m) = v; };
  for (; i + step <= size; i += step) {
    take(most, abs(load_double(x + i)));
    take(other, abs(load_double(x + i + lanes<double>)));
  }
  for_each_double(size - i,
                  [&](Index v, auto load, auto) __attribute__((always_inline)) { take(most, abs(load(x + i + v))); });
  take(most, other);
  double result = 0;
  for (int k = 0; k < lanes<double>; ++k) {
    const double v = most[static_cast<std::size_t>(k)];
    if (!(v <= result) && result == result) {
      result = v;
    }
  }
  return result;
}

}  // namespace

template <class T>
constinit const VectorKernels<T> Topics<T>::vector{.dot = dot<T, double>,
                                                   .dot_rows = dot<T, T>,
                                                   .combine = combine<T>,
                                                   .subtract = subtract<T>,
                                                   .largest = largest<T>};

template const VectorKernels<float> Topics<float>::vector;
template const VectorKernels<double> Topics<double>::vector;

}  // namespace fastopt::FASTOPT_ISA
