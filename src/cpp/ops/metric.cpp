#include "ops/metric.h"

#include <charconv>

#include "core/find.h"

namespace fastopt {

MetricChoice find_metric(std::string_view name) {
  const std::size_t open = name.find('(');
  MetricChoice choice{.metric = find_name(metrics(), "metric", name.substr(0, open))};
  const bool needs_k = metric_kernel(choice.metric).needs_k;
  bool good = needs_k == (open != std::string_view::npos);
  if (good && needs_k) {
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + open + 1, end, choice.k);
    good = error == std::errc() && choice.k >= 1 && std::string_view(stop, static_cast<std::size_t>(end - stop)) == ")";
  }
  if (!good) {
    const std::string known(metric_kernel(choice.metric).name);
    throw std::invalid_argument("metric " + known +
                                (needs_k ? " needs a number, as in '" + known + "(5)'" : " takes no number") +
                                ", got '" + std::string(name) + "'");
  }
  return choice;
}

}  // namespace fastopt
