// Arithmetic on flat arrays.
#pragma once

#include "kernels/elementwise/args.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void exp_array(const T* x, T* y, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(math::exp(load(x + i)), y + i); });
}

template <class T>
void log_array(const T* x, T* y, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(math::log(load(x + i)), y + i); });
}

template <class T>
void multiply_arrays(const T* a, const T* b, T* out, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(load(a + i) * load(b + i), out + i); });
}

template <class T>
void add_arrays(const T* a, const T* b, T* out, Index size) {
  for_each_vector<T>(size, [&](Index i, auto load, auto store) { store(load(a + i) + load(b + i), out + i); });
}

}  // namespace fastopt::FASTOPT_ISA
