#include "optim/rules.h"

#include "core/find.h"
#include "kernels/rules/list.h"

namespace fastopt {

namespace {

template <class R>
RuleEntry entry_of() {
  RuleEntry entry;
  entry.name = R::name;
  entry.slots = R::slots;
  entry.others = baseline::slots_of_others<R>;
  entry.hyper = R::hyper;
  if constexpr (requires { R::state; }) {
    entry.state = R::state;
    entry.prepare = R::prepare;
    entry.conclude = R::conclude;
    if constexpr (requires { &R::advance; }) {
      entry.advance = R::advance;
    }
  } else {
    entry.prepare = [](const double* hyper, Index step, const double*) { return R::prepare(hyper, step); };
  }
  if constexpr (requires { R::starts; }) {
    entry.starts = R::starts;
  }
  if constexpr (baseline::averages<R>) {
    entry.between = R::between;
  }
  if constexpr (requires { R::sums; }) {
    entry.sums = R::sums;
  }
  entry.finishes = baseline::finishes<R>;
  // One of the sums is left for the mask.
  entry.maskable =
      !(baseline::finishes<R> || baseline::decays<R> || baseline::takes_matrices<R>) && entry.sums < max_sums;
  if constexpr (requires { &R::factor; }) {
    entry.factor = R::factor;
  }
  if constexpr (baseline::takes_matrices<R>) {
    entry.gathers = R::gathers;
    entry.everything = baseline::takes_everything<R>;
    entry.matrix = {R::template whole<Matrix<float>>, R::template memory<Matrix<float>>};
    entry.matrix_double = {R::template whole<Matrix<double>>, R::template memory<Matrix<double>>};
  }
  if constexpr (requires { &R::cost; }) {
    entry.cost = R::cost;
  }
  if constexpr (requires { R::of_matrices; }) {
    entry.of_matrices = R::of_matrices;
  }
  if constexpr (requires { R::of_others; }) {
    entry.of_others = R::of_others;
  }
  if constexpr (requires { &R::factor_of_all; }) {
    entry.factor_of_all = R::factor_of_all;
  }
  if constexpr (baseline::looks_ahead<R>) {
    entry.theta = R::theta;
  }
  return entry;
}

}  // namespace

const std::vector<RuleEntry>& rules() {
  static const auto list = []<class... R>(baseline::List<R...>) {
    return std::vector<RuleEntry>{entry_of<R>()...};
  }(baseline::Rules{});
  return list;
}

int find_rule(std::string_view name) {
  return find_name(rules(), "update rule", name);
}

std::optional<std::vector<Index>> slot_shape(const RuleEntry& rule, std::size_t slot, bool matrix,
                                             std::vector<Index> shape, Index longest) {
  const auto square = [&](Index side) {
    return side <= longest ? std::optional(std::vector<Index>{side, side}) : std::nullopt;
  };
  const std::span<const Extent> extents = matrix ? rule.of_matrices : rule.of_others;
  switch (slot < extents.size() ? extents[slot] : Extent::tensor) {
    case Extent::tensor:
      break;
    case Extent::rows:
      shape.pop_back();
      break;
    case Extent::columns:
      shape.erase(shape.end() - 2);
      break;
    case Extent::square_of_rows:
      return square(shape.end()[-2]);
    case Extent::square_of_columns:
      return square(shape.back());
    case Extent::nothing:
      return std::nullopt;
  }
  return shape;
}

}  // namespace fastopt
