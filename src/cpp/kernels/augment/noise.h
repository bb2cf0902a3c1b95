// Noise that is added to images.
#pragma once

#include "kernels/augment/args.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

template <class T>
void add_noise(const AddNoise<T>& n) {
  for_each_vector<T>(n.size, [&](Index i, auto&& load, auto&& store) {
    store(load(n.y + i) + Vec<T>(n.a_factor) * load(n.a + i) + Vec<T>(n.b_factor) * load(n.b + i), n.y + i);
  });
}

}  // namespace fastopt::FASTOPT_ISA
