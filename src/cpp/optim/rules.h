// Update rules by name. Their place in the list is their place in the kernel table.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "kernels/update/args.h"
#include "optim/matrix.h"

namespace fastopt {

// What a rule has of one precision.
template <class T>
struct MatrixEntry {
  double (*whole)(const Matrix<T>&, const double* hyper, const double* coefficients) = nullptr;
  Index (*memory)(Sides) = nullptr;
};

// What kernels/rules/rule.h says.
struct RuleEntry {
  std::string_view name;
  std::span<const std::string_view> slots, hyper, state;
  Coefficients (*prepare)(const double* hyper, Index step, const double* state) = nullptr;
  int sums = 0;
  bool finishes = false;
  bool maskable = false;  // the step of an element follows from its gradients and the hyperparameters alone
  double (*factor)(const double* sums) = nullptr;
  double (*factor_of_all)(const double* hyper, const double* state) = nullptr;
  void (*conclude)(const double* hyper, Index step, const double* sums, double* state) = nullptr;
  void (*advance)(const double* hyper, Index step, double* state) = nullptr;
  std::span<const int> starts;
  Coefficients (*between)(const double* state) = nullptr;  // only where the rule averages
  std::size_t gathers = 0, others = 0;  // the slots of what is taken as a matrix that are gathered; those of all else
  bool everything = false;
  double (*cost)(Sides) = nullptr;
  MatrixEntry<float> matrix;  // null where it takes none
  MatrixEntry<double> matrix_double;
  std::span<const Extent> of_matrices, of_others;  // empty: as the tensors
  int theta = -1;                                  // the slot that holds the parameters while they look ahead
};

const std::vector<RuleEntry>& rules();
int find_rule(std::string_view name);  // throws std::invalid_argument that lists the known ones

inline const RuleEntry& rule_entry(int rule) {
  return rules()[static_cast<std::size_t>(rule)];
}

// The shape of a slot of a tensor of this shape, taken as a matrix or not; none where it keeps nothing, as of the
// squares of sides that are longer than `longest`.
std::optional<std::vector<Index>> slot_shape(const RuleEntry& rule, std::size_t slot, bool matrix,
                                             std::vector<Index> shape, Index longest = 0);

}  // namespace fastopt
