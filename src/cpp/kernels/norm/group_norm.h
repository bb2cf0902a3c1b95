// Normalisation of each row by the moments of its groups of channels (Wu, He, 2018): layer normalisation (Ba, Kiros,
// Hinton, 2016), instance normalisation (Ulyanov, Vedaldi, Lempitsky, 2016) and, not centred, root mean square
// normalisation (Zhang, Sennrich, 2019).
//
// The variance is the mean of the centred squares. The mean is that of the distances from the first element, so that
// elements close together but far from zero do not lose it to rounding.
#pragma once

#include "kernels/norm/group_norm_across.h"
#include "kernels/norm/group_norm_contiguous.h"

namespace fastopt::FASTOPT_ISA {

// --- Sums over the rows ----------------------------------------------------------------------------------------------

template <class T, bool one_group>
struct RowMoments {
  static constexpr bool by_row = true;
  Rows<const T> moments;
  Index groups, channels, group_size;

  template <class P>
  void of_channels(const P&, Vec<T>*) const {}
  template <class P>
  [[gnu::always_inline]] void of_row(const P& panel, Index i, Vec<T>* mean, Vec<T>* rstd) const {
    const T* row = moments.row(i);
    unroll<P::vectors>([&](auto k) __attribute__((always_inline)) {
      if constexpr (one_group) {
        mean[k] = row[0];
        rstd[k] = row[1];
      } else {
        mean[k] = spread<T>(row, panel.channel(k), channels, group_size);
        rstd[k] = spread<T>(row + groups, panel.channel(k), channels, group_size);
      }
    });
  }
  std::pair<T, T> at(Index i, Index c) const {
    const T* row = moments.row(i) + c / group_size;
    return {row[0], row[groups]};
  }
};

template <class T>
void clear_sums(const GroupNormBackward<T>& p, Range channels) {
  for (T* sum : {p.dgamma, p.dbeta}) {
    if (sum && !p.add) {
      std::fill(sum + channels.begin, sum + channels.end, T(0));
    }
  }
}

template <class T>
void group_norm_sums(const GroupNormBackward<T>& p, Range channels) {
  clear_sums(p, channels);
  const auto run = [&](auto one_group) {
    const RowMoments<T, one_group> moments{p.moments, p.groups, p.features.channels, p.features.channels / p.groups};
    parameter_sums<T>(p.rows, p.features, p.x, p.dy, moments, channels, p.dgamma, p.dbeta);
  };
  p.groups == 1 ? run(std::true_type{}) : run(std::false_type{});
}

// --- The choice between them -----------------------------------------------------------------------------------------

template <class T>
void group_norm(const GroupNorm<T>& p) {
  if (p.features.space > 1 && p.features.channels_last) {
    return group_norm_across(p);
  }
  const Index n = p.features.size() / p.groups;
  for_some_groups<T, 2>(
      p, n,
      [&](Index i, Index g) { return Normalized<T>{g, p.x.row(i) + g * n, p.y.row(i) + g * n, p.moments.row(i) + g}; },
      [&](const Normalized<T>* some, int count) { normalize_groups(p, n, some, count); });
}

// The sums are added on the way where each element has parameters of its own.
template <class T>
void group_norm_backward(const GroupNormBackward<T>& p) {
  const bool summing = p.dgamma && p.dbeta && p.features.space == 1;
  if (summing) {
    clear_sums(p, {0, p.features.channels});
  } else if (p.dgamma || p.dbeta) {
    group_norm_sums(p, {0, p.features.channels});
  }
  if (p.features.space > 1 && p.features.channels_last) {
    return group_norm_backward_across(p);
  }
  const Index n = p.features.size() / p.groups;
  for_some_groups<T, 1>(
      p, n,
      [&](Index i, Index g) {
        return Differentiated<T>{g, p.x.row(i) + g * n, p.dy.row(i) + g * n, p.moments.row(i) + g, p.dx.row(i) + g * n};
      },
      [&](const Differentiated<T>* some, int count) {
        summing ? differentiate_groups<T, true>(p, n, some, count) : differentiate_groups<T, false>(p, n, some, count);
      });
}

}  // namespace fastopt::FASTOPT_ISA
