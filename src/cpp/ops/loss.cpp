#include "ops/loss.h"

#include <algorithm>

#include "core/find.h"

namespace fastopt {

int find_loss(std::string_view name) {
  return find_name(losses(), "loss", name);
}

LossHyper loss_hyper(int loss, const std::map<std::string, double>& given) {
  const auto& kernel = loss_kernel(loss);
  LossHyper values{};
  std::ranges::transform(kernel.hyper, values.begin(), &LossParameter::default_value);
  for (const auto& [name, value] : given) {
    const auto found = std::ranges::find(kernel.hyper, name, &LossParameter::name);
    if (found == kernel.hyper.end()) {
      throw std::invalid_argument("loss '" + std::string(kernel.name) + "' has no hyperparameter '" + name + "'");
    }
    values[static_cast<std::size_t>(found - kernel.hyper.begin())] = value;
  }
  return values;
}

}  // namespace fastopt
