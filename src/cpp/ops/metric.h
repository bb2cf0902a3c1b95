// The metrics by name and by their place in the table of kernels, and on whole arrays.
#pragma once

#include <span>
#include <string_view>

#include "core/buffer.h"
#include "kernels/loss/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

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

namespace ops {

template <class T>
void metric_rows(int metric, const Metric<T>& all) {
  const double cost = elementwise_cost * static_cast<double>(all.rows * all.columns);
  parallel_for(all.rows, alignment, cost, [&](Range share) { metric_kernel<T>(metric).rows(all.part(share)); });
}

}  // namespace ops

}  // namespace fastopt
