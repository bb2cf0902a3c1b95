// Rules, activations, losses and metrics by name. Their place in the list is their place in the kernel table.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "kernels/loss/args.h"
#include "kernels/update/args.h"

namespace fastopt {

// What kernels/rules/rule.h says.
struct RuleEntry {
  std::string_view name;
  std::span<const std::string_view> slots, hyper, state;
  Coefficients (*prepare)(const double* hyper, Index step, const double* state) = nullptr;
  int sums = 0;
  double (*factor)(const double* sums) = nullptr;
  void (*conclude)(const double* hyper, Index step, const double* sums, double* state) = nullptr;
  int theta = -1;  // the slot that holds the parameters while they look ahead
};

struct ActivationEntry {
  std::string_view name;
  bool from_input;  // its gradient needs the values before it, so that no product can be fused with it
};

struct LossEntry {
  std::string_view name;
  std::string_view activation;  // the one that it is fused with: it takes the values before it
  bool labels;                  // targets are class numbers
  std::span<const LossParameter> hyper;
};

struct MetricEntry {
  std::string_view name;
  bool labels;
  bool logits;  // as good on values before the last activation
  bool needs_k;
};

// A metric and its number, where it needs one: "top_k_accuracy(5)".
struct MetricChoice {
  int metric;
  Index k = 1;

  const MetricEntry& entry() const;
};

const std::vector<RuleEntry>& rules();
const std::vector<ActivationEntry>& activations();  // elementwise ones, then softmax
const std::vector<LossEntry>& losses();
const std::vector<MetricEntry>& metrics();

// The place of a name; throws std::invalid_argument that lists the known ones.
int find_rule(std::string_view name);
int find_activation(std::string_view name);
int find_loss(std::string_view name);
MetricChoice find_metric(std::string_view name);

inline constexpr int linear = 0;
int softmax();
// Whether a product can do it to each part of its result; softmax needs whole rows.
inline bool by_parts(int activation) {
  return activation != linear && activation != softmax();
}

}  // namespace fastopt
