#include "nn/registry.h"

#include <charconv>
#include <stdexcept>
#include <string>

#include "kernels/activation/activation.h"
#include "kernels/loss/loss.h"
#include "kernels/loss/metric.h"
#include "kernels/rules/list.h"

namespace fastopt {

namespace {

template <class Entry>
int find(const std::vector<Entry>& entries, std::string_view kind, std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].name == name) {
      return static_cast<int>(i);
    }
    known += (known.empty() ? "" : ", ") + std::string(entries[i].name);
  }
  throw std::invalid_argument("unknown " + std::string(kind) + " '" + std::string(name) + "'; known are " + known);
}

template <class R>
RuleEntry rule_entry() {
  RuleEntry entry;
  entry.name = R::name;
  entry.slots = R::slots;
  entry.hyper = R::hyper;
  if constexpr (requires { R::state; }) {
    entry.state = R::state;
    entry.prepare = R::prepare;
    entry.conclude = R::conclude;
  } else {
    entry.prepare = [](const double* hyper, Index step, const double*) { return R::prepare(hyper, step); };
  }
  if constexpr (requires { R::sums; }) {
    entry.sums = R::sums;
  }
  if constexpr (baseline::finishes<R>) {
    entry.factor = R::factor;
  }
  if constexpr (baseline::looks_ahead<R>) {
    entry.theta = R::theta;
  }
  return entry;
}

}  // namespace

const std::vector<RuleEntry>& rules() {
  static const auto list = []<class... R>(baseline::List<R...>) {
    return std::vector<RuleEntry>{rule_entry<R>()...};
  }(baseline::Rules{});
  return list;
}

const std::vector<ActivationEntry>& activations() {
  static const auto list = []<class... A>(baseline::List<A...>) {
    return std::vector<ActivationEntry>{{A::name, A::from_input}..., {"softmax", false}};
  }(baseline::Activations{});
  return list;
}

const std::vector<LossEntry>& losses() {
  static const auto list = []<class... L>(baseline::List<L...>) {
    return std::vector<LossEntry>{{L::name, L::activation, L::labels, L::hyper}...};
  }(baseline::Losses{});
  return list;
}

const std::vector<MetricEntry>& metrics() {
  static const auto list = []<class... M>(baseline::List<M...>) {
    return std::vector<MetricEntry>{{M::name, M::labels, M::logits, M::needs_k}...};
  }(baseline::Metrics{});
  return list;
}

int find_rule(std::string_view name) {
  return find(rules(), "update rule", name);
}
int find_activation(std::string_view name) {
  return find(activations(), "activation", name);
}
int find_loss(std::string_view name) {
  return find(losses(), "loss", name);
}

const MetricEntry& MetricChoice::entry() const {
  return metrics()[static_cast<std::size_t>(metric)];
}

MetricChoice find_metric(std::string_view name) {
  const std::size_t open = name.find('(');
  MetricChoice choice{.metric = find(metrics(), "metric", name.substr(0, open))};
  const bool needs_k = choice.entry().needs_k;
  bool good = needs_k == (open != std::string_view::npos);
  if (good && needs_k) {
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + open + 1, end, choice.k);
    good = error == std::errc() && choice.k >= 1 && std::string_view(stop, static_cast<std::size_t>(end - stop)) == ")";
  }
  if (!good) {
    const std::string known(choice.entry().name);
    throw std::invalid_argument("metric " + known +
                                (needs_k ? " needs a number, as in '" + known + "(5)'" : " takes no number") +
                                ", got '" + std::string(name) + "'");
  }
  return choice;
}

int softmax() {
  return static_cast<int>(activations().size()) - 1;
}

}  // namespace fastopt
