#include "kernels/topics.h"
#include "kernels/vector/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

namespace {

double dot(const double* x, const double* y, Index size) {
  constexpr int vectors = 4;
  constexpr Index step = Index{vectors} * lanes<double>;
  Vec<double> total[vectors] = {};
  Index i = 0;
  for (; i + step <= size; i += step) {
    unroll<vectors>([&](auto v) __attribute__((always_inline)) {
      total[v] += load<double>(x + i + v * lanes<double>) * load<double>(y + i + v * lanes<double>);
    });
  }
  for_each_vector<double>(size - i, [&](Index v, auto load, auto) __attribute__((always_inline)) {
    total[0] += load(x + i + v) * load(y + i + v);
  });
  return reduce((total[0] + total[1]) + (total[2] + total[3]));
}

// Adds `many` rows at once, so that y is read and written once for them.
template <int many>
void combine_some(const double* const* rows, const double* c, Range part, double* y) {
  Vec<double> factors[many];
  unroll<many>([&](auto j) __attribute__((always_inline)) { factors[j] = Vec<double>(c[j]); });
  for_each_vector<double>(part.size(), [&](Index v, auto load, auto store) __attribute__((always_inline)) {
    const Index i = part.begin + v;
    Vec<double> sum = load(y + i);
    unroll<many>([&](auto j) __attribute__((always_inline)) { sum += factors[j] * load(rows[j] + i); });
    store(sum, y + i);
  });
}

void combine(const double* const* rows, const double* c, Index count, Range part, double* y) {
  Index j = 0;
  for (; j + 4 <= count; j += 4) {
    combine_some<4>(rows + j, c + j, part, y);
  }
  for (; j < count; ++j) {
    combine_some<1>(rows + j, c + j, part, y);
  }
}

}  // namespace

constinit const VectorKernels vector_kernels{.dot = dot, .combine = combine};

}  // namespace fastopt::FASTOPT_ISA
