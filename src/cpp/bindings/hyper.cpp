#include "bindings/hyper.h"

namespace fastopt::bindings {

void refuse_hyper(std::string_view rule, std::span<const std::string_view> names, const py::dict& given) {
  for (const std::string_view name : names) {
    if (!given.contains(name)) {
      throw std::invalid_argument("rule '" + std::string(rule) + "' needs the hyperparameter '" + std::string(name) +
                                  "'");
    }
  }
  for (const auto& [key, object] : given) {
    const auto name = py::cast<std::string>(key);
    if (std::ranges::find(names, name) == names.end()) {
      throw std::invalid_argument("rule '" + std::string(rule) + "' has no hyperparameter '" + name + "'");
    }
  }
  throw std::logic_error("hyperparameters are refused that fit");
}

}  // namespace fastopt::bindings
