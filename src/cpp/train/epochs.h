// Training: several epochs in a row, between which nobody looks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/epoch.h"

namespace fastopt {

// Samples that a network is judged by after some epochs.
template <class T>
struct Validation {
  std::span<const Samples> x;  // of each input
  const Objective<T>& objective;
  Batch samples;
  Index batch_size;
  Index every;  // after each so many epochs
};

template <class T>
struct Epochs {
  Epoch<T> each;        // with the samples in their own order
  Index number, count;  // of the first epoch, from 0, and of all of them
  bool shuffle;         // epoch i then takes the samples in an order that follows from these
  std::uint64_t seed, stream;
  std::optional<Validation<T>> validation;
};

// What is known of an epoch.
struct Lap {
  Totals totals;
  double seconds = 0;  // without the validation
  std::optional<Totals> validation = {};
  bool whole = true;  // the poll did not ask to stop in the validation
};

// As each of them by itself, until one does not finish, whose totals are given, or leaves something that is not finite,
// which is named.
template <class T>
Outcome train(Network<T>& network, State<T>& optimizer, const Epochs<T>& epochs, std::vector<Lap>& laps, Totals& totals,
              std::string& lost);

}  // namespace fastopt
