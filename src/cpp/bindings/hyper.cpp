#include "bindings/hyper.h"

#include <algorithm>
#include <cstdint>

namespace fastopt::bindings {

void refuse_label(const char* name, Index sample, Index label, Index columns) {
  throw std::invalid_argument(std::string(name) + "[" + std::to_string(sample) + "] = " + std::to_string(label) +
                              " is not a class: with " + std::to_string(columns) + " outputs, labels are 0 to " +
                              std::to_string(columns - 1));
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
