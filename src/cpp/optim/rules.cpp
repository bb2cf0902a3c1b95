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
  if constexpr (requires { &R::factor; }) {
    entry.factor = R::factor;
  }
  if constexpr (baseline::takes_matrices<R>) {
    entry.whole = R::template whole<Matrix<float>>;
    entry.whole_double = R::template whole<Matrix<double>>;
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

}  // namespace fastopt
