// Random numbers by counter: a function of (seed, stream, place), the same on every machine.
#pragma once

#include "core/types.h"

namespace fastopt {

void random_words(std::uint64_t seed, std::uint64_t stream, Index count, std::uint32_t* out);

// In [0, 1): multiples of 2^-24 (float) or 2^-53 (double).
template <class T>
void random_uniform(std::uint64_t seed, std::uint64_t stream, Index count, T* out);

// Operations, roughly, of drawing one number from N(0, 1).
inline constexpr double normal_cost = 50;

// N(0, 1).
template <class T>
void random_normal(std::uint64_t seed, std::uint64_t stream, Index count, T* out);

// x + stddev times the same; out may be x.
template <class T>
void add_random_normal(std::uint64_t seed, std::uint64_t stream, Index count, double stddev, const T* x, T* out);

// A shuffle of 0..count-1 (Fisher and Yates).
void random_permutation(std::uint64_t seed, std::uint64_t stream, Index count, Index* out);

}  // namespace fastopt
