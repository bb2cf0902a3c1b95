#include "ops/loss.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/find.h"

namespace fastopt {

int find_loss(std::string_view name) {
  return find_name(losses(), "loss", name);
}

LossHyper loss_hyper(int loss, const std::map<std::string, double>& given) {
  const auto& kernel = loss_kernel(loss);
  const std::size_t count = kernel.several ? std::max<std::size_t>(1, given.size()) : kernel.hyper.size();
  std::vector<std::string> names;
  LossHyper values;
  for (std::size_t i = 0; i < count; ++i) {
    const LossParameter& parameter = kernel.hyper[kernel.several ? 0 : i];
    names.emplace_back(parameter.name);
    if (kernel.several) {
      names.back().append("_").append(std::to_string(i));
    }
    values.push_back(parameter.default_value);
  }
  for (const auto& [name, value] : given) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      throw std::invalid_argument("loss '" + std::string(kernel.name) + "' has no hyperparameter '" + name + "'");
    }
    values[static_cast<std::size_t>(found - names.begin())] = value;
  }
  return values;
}

}  // namespace fastopt
