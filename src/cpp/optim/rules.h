// Update rules by name. Their place in the list is their place in the kernel table.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "kernels/update/args.h"
#include "optim/matrix.h"

namespace fastopt {

// What kernels/rules/rule.h says.
struct RuleEntry {
  std::string_view name;
  std::span<const std::string_view> slots, hyper, state;
  Coefficients (*prepare)(const double* hyper, Index step, const double* state) = nullptr;
  int sums = 0;
  bool finishes = false;
  double (*factor)(const double* sums) = nullptr;
  double (*factor_of_all)(const double* hyper, const double* state) = nullptr;
  void (*conclude)(const double* hyper, Index step, const double* sums, double* state) = nullptr;
  void (*advance)(const double* hyper, Index step, double* state) = nullptr;
  std::span<const int> starts;
  Coefficients (*between)(const double* state) = nullptr;  // only where the rule averages
  double (*whole)(const Matrix<float>&, const double* hyper) = nullptr;
  double (*whole_double)(const Matrix<double>&, const double* hyper) = nullptr;
  int theta = -1;  // the slot that holds the parameters while they look ahead
};

const std::vector<RuleEntry>& rules();
int find_rule(std::string_view name);  // throws std::invalid_argument that lists the known ones

inline const RuleEntry& rule_entry(int rule) {
  return rules()[static_cast<std::size_t>(rule)];
}

}  // namespace fastopt
