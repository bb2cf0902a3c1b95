// Sparse coding of whole arrays: samples x [samples, features] as sums of few atoms D [atoms, features].
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/reduce/args.h"
#include "kernels/sparse_coding/args.h"
#include "ops/product.h"

namespace fastopt::ops {

template <class T>
struct SparseCoding {
  Index samples, features, atoms;
  const T *x, *dictionary;
  double penalty;
};

// Improves the codes [samples, atoms] from where they are; returns how many samples stay outside of the tolerance. Each
// thread takes some samples at a time, as some need more sweeps than others.
template <class T>
Index sparse_encode(const SparseCoding<T>& p, double tolerance, Index sweeps, T* codes, Watch& watch) {
  constexpr Index samples_at_once = 32, sweeps_at_once = 1000;
  const auto& kernels = fastopt::kernels<T>();
  const Index width = round_up(p.atoms, alignment / static_cast<Index>(sizeof(T)));
  const auto product = [&](const T* a, Index rows, T* c) {
    return Product<T>{.rows = rows,
                      .columns = p.atoms,
                      .depth = p.features,
                      .a = {a, p.features},
                      .b = packed_panels<T>(nullptr, p.features, p.atoms),
                      .c = {c, width}};
  };
  Buffer<T> gram(checked_product(width, width));
  multiply<T>(product(p.dictionary, p.atoms, gram.data()), p.dictionary, p.features, true, watch);
  Buffer<T> inverse(width);
  for (Index j = 0; j < width; ++j) {
    const T square = gram.data()[j * width + j];
    inverse.data()[j] = square > 0 ? 1 / square : 0;
  }

  const Index chunks = (p.samples + samples_at_once - 1) / samples_at_once;
  const double of_sample = static_cast<double>(p.atoms) * (2 * static_cast<double>(p.features) + 100 * reading_cost);
  const int threads = threads_for(of_sample * static_cast<double>(p.samples), chunks);
  Buffer<T> packed(packed_size<T>(p.features, p.atoms));
  const Index of_thread = (samples_at_once + 2) * width;
  Buffer<T> memory(checked_product(threads, of_thread));
  Buffer<Index> active(checked_product(threads, width));
  std::atomic<Index> next{0}, outside{0};
  run_team(threads, false, [&](const Team& team) {
    pack_share(team, p.dictionary, p.features, true, p.features, p.atoms, packed.data());
    team.barrier();
    T* const correlations = memory.data() + team.rank() * of_thread;
    T* const own = correlations + samples_at_once * width;
    for (Index chunk; !watch.stopped() && (chunk = next++) < chunks;) {
      const Index first = chunk * samples_at_once, rows = std::min(samples_at_once, p.samples - first);
      const T* const x = p.x + first * p.features;
      Product<T> correlate = product(x, rows, correlations);
      correlate.b.data = packed.data();
      correlate.scratch = scratch();
      kernels.product.multiply(correlate);
      for (Index i = first; i < first + rows && !watch.stopped(); ++i) {
        T* const code = codes + i * p.atoms;
        std::copy_n(code, p.atoms, own);
        Lasso<T> lasso{.width = width,
                       .gram = gram.data(),
                       .inverse = inverse.data(),
                       .correlations = correlations + (i - first) * width,
                       .square = kernels.reduce.sum_of_squares(p.x + i * p.features, p.features),
                       .code = own,
                       .residual = own + width,
                       .active = active.data() + team.rank() * width,
                       .penalty = p.penalty,
                       .tolerance = tolerance,
                       .sweeps = 0};
        bool solved = false;
        for (Index left = sweeps; left > 0 && !solved && !watch.stopped(); left -= sweeps_at_once) {
          lasso.sweeps = std::min(left, sweeps_at_once);
          solved = kernels.sparse_coding.lasso(lasso);
          if (team.rank() == 0) {
            watch.look(of_sample, 0);
          }
        }
        outside += solved ? 0 : 1;
        std::copy_n(own, p.atoms, code);
      }
    }
  });
  return outside;
}

// The cost of each sample, |x - c D|^2 + penalty |c|_1.
template <class T>
void sparse_cost(const SparseCoding<T>& p, const T* codes, double* costs) {
  const auto& kernels = fastopt::kernels<T>();
  const double cost = reading_cost * static_cast<double>(p.samples) * static_cast<double>(p.atoms + 8 * p.features);
  const int threads = threads_for(cost, p.samples);
  Buffer<T> memory(checked_product(threads, p.features));
  run_team(threads, false, [&](const Team& team) {
    T* const rest = memory.data() + team.rank() * p.features;
    const Range share = team.split(p.samples);
    for (Index i = share.begin; i < share.end; ++i) {
      const T* const code = codes + i * p.atoms;
      std::copy_n(p.x + i * p.features, p.features, rest);
      kernels.sparse_coding.subtract(code, p.atoms, {p.dictionary, p.features}, p.features, rest);
      double sum = 0;
      for (Index j = 0; j < p.atoms; ++j) {
        sum += std::abs(static_cast<double>(code[j]));
      }
      costs[i] = kernels.reduce.sum_of_squares(rest, p.features) + p.penalty * sum;
    }
  });
}

// Improves the atoms for given codes, by `moments` = C'C [atoms, atoms] and `products` = C'x [atoms, features]: each in
// turn is put where the cost is least with |D_j| <= 1 and the others as they are. Returns the sum of the squares of
// what changed. (Mairal, Bach, Ponce and Sapiro, Online dictionary learning for sparse coding, ICML 2009, algorithm 2.)
template <class T>
double update_dictionary(Index atoms, Index features, const T* moments, const T* products, T* dictionary) {
  const auto& kernels = fastopt::kernels<T>();
  Buffer<T> memory(features);
  T* const u = memory.data();
  double changed = 0;
  for (Index j = 0; j < atoms; ++j) {
    const T* const with = moments + j * atoms;
    if (!(with[j] > 0)) {
      continue;  // no sample uses it
    }
    T* const atom = dictionary + j * features;
    std::copy_n(products + j * features, features, u);
    kernels.sparse_coding.subtract(with, atoms, {dictionary, features}, features, u);
    for (Index i = 0; i < features; ++i) {
      u[i] = atom[i] + u[i] / with[j];
    }
    const double length = std::sqrt(kernels.reduce.sum_of_squares(u, features));
    const T factor = length > 1 ? static_cast<T>(1 / length) : T(1);
    for (Index i = 0; i < features; ++i) {
      const T value = factor * u[i];
      changed += static_cast<double>(value - atom[i]) * static_cast<double>(value - atom[i]);
      atom[i] = value;
    }
  }
  return changed;
}

}  // namespace fastopt::ops
