#include "bindings/hyper.h"

namespace fastopt::bindings {

void refuse_label(const char* name, Index sample, Index label, Index columns) {
  throw std::invalid_argument(std::string(name) + "[" + std::to_string(sample) + "] = " + std::to_string(label) +
                              " is not a class: with " + std::to_string(columns) + " outputs, labels are 0 to " +
                              std::to_string(columns - 1));
}

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

void check_all_separate(std::vector<Memory> arrays, const std::function<std::string(std::size_t)>& name) {
  std::ranges::sort(arrays, {}, &Memory::begin);
  const Memory* reach = nullptr;  // of those before, the one that ends last
  const Memory* written_reach = nullptr;
  for (const Memory& array : arrays) {
    if (array.begin == array.end) {
      continue;
    }
    const Memory* other = array.written ? reach : written_reach;
    if (other && array.begin < other->end) {
      throw std::invalid_argument(name(array.id) + " shares memory with " + name(other->id) + ": pass separate arrays");
    }
    if (!reach || array.end > reach->end) {
      reach = &array;
    }
    if (array.written && (!written_reach || array.end > written_reach->end)) {
      written_reach = &array;
    }
  }
}

}  // namespace fastopt::bindings
