#include "bindings/hyper.h"

#include <algorithm>
#include <cstdint>

namespace fastopt::bindings {

std::vector<double> ordered_hyper(const RuleEntry& rule, const std::map<std::string, double>& given) {
  std::vector<double> values;
  for (const std::string_view name : rule.hyper) {
    const auto found = given.find(std::string(name));
    if (found == given.end()) {
      throw std::invalid_argument("rule '" + std::string(rule.name) + "' needs the hyperparameter '" +
                                  std::string(name) + "'");
    }
    values.push_back(found->second);
  }
  for (const auto& [name, value] : given) {
    if (std::ranges::find(rule.hyper, name) == rule.hyper.end()) {
      throw std::invalid_argument("rule '" + std::string(rule.name) + "' has no hyperparameter '" + name + "'");
    }
  }
  return values;
}

void check_all_separate(const std::vector<std::pair<py::array, std::string>>& written,
                        const std::vector<std::pair<py::array, std::string>>& read) {
  struct Span {
    std::uintptr_t begin, end;
    const std::string* name;
    bool written;
  };
  std::vector<Span> spans;
  for (const auto* list : {&written, &read}) {
    for (const auto& [array, name] : *list) {
      const auto begin = reinterpret_cast<std::uintptr_t>(array.data());
      if (array.nbytes() > 0) {
        spans.push_back({begin, begin + static_cast<std::uintptr_t>(array.nbytes()), &name, list == &written});
      }
    }
  }
  std::ranges::sort(spans, {}, &Span::begin);
  const Span* reach = nullptr;  // of those before, the one that ends last
  const Span* written_reach = nullptr;
  for (const Span& span : spans) {
    const Span* other = span.written ? reach : written_reach;
    if (other && span.begin < other->end) {
      throw std::invalid_argument(*span.name + " shares memory with " + *other->name + ": pass separate arrays");
    }
    if (!reach || span.end > reach->end) {
      reach = &span;
    }
    if (span.written && (!written_reach || span.end > written_reach->end)) {
      written_reach = &span;
    }
  }
}

}  // namespace fastopt::bindings
