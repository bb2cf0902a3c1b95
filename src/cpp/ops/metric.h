// The metrics by name and by their place in the table of kernels.
#pragma once

#include <span>
#include <string_view>

#include "kernels/loss/args.h"
#include "runtime/cpu.h"

namespace fastopt {

template <class T = float>
std::span<const MetricKernel<T>> metrics() {
  return kernels<T>().loss.metrics;
}

template <class T = float>
const MetricKernel<T>& metric_kernel(int metric) {
  return metrics<T>()[static_cast<std::size_t>(metric)];
}

// A metric and its number, where it needs one: "top_k_accuracy(5)".
struct MetricChoice {
  int metric;
  Index k = 1;
};

// Throws std::invalid_argument for an unknown name, listing the known ones, and for a number that is missing or bad.
MetricChoice find_metric(std::string_view name);

}  // namespace fastopt
