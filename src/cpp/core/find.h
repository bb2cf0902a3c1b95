// Looking up what has a name.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace fastopt {

// The place of the entry of that name; throws std::invalid_argument that lists the known ones of this kind.
template <class Entries>
int find_name(const Entries& entries, std::string_view kind, std::string_view name) {
  int place = 0;
  for (const auto& entry : entries) {
    if (entry.name == name) {
      return place;
    }
    ++place;
  }
  std::string known;
  for (const auto& entry : entries) {
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw std::invalid_argument("unknown " + std::string(kind) + " '" + std::string(name) + "'; known are " + known);
}

}  // namespace fastopt
