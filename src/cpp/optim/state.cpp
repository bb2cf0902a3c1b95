#include "optim/state.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/find.h"

namespace fastopt {

namespace {

template <class T>
std::vector<Index> offsets_of(const std::vector<Tensor<T>>& tensors) {
  std::vector<Index> offsets{0};
  for (const Tensor<T>& tensor : tensors) {
    offsets.push_back(offsets.back() + round_up(tensor.size, alignment));
  }
  return offsets;
}

std::vector<std::string_view> slot_names_of(int rule, const std::vector<int>& given) {
  const auto own = rule_entry(rule).slots;
  std::vector<std::string_view> names(own.begin(), own.end());
  for (const int place : given) {
    if (const std::string_view slot = transforms[static_cast<std::size_t>(place)].slot; !slot.empty()) {
      names.push_back(slot);
    }
  }
  return names;
}

// Arrays that a step goes through side by side begin in different places of a page, and so of the caches: all in the
// same place cost it a tenth.
template <class T>
constexpr Index stagger = 17 * alignment / static_cast<Index>(sizeof(T));

// Where each tensor begins in each slot.
template <class T>
std::vector<std::vector<Index>> slot_offsets_of(int rule, std::size_t slots, const std::vector<Tensor<T>>& tensors) {
  std::vector<std::vector<Index>> all;
  for (std::size_t s = 0; s < slots; ++s) {
    std::vector<Index>& offsets = all.emplace_back(1, (static_cast<Index>(s) + 1) * stagger<T>);
    for (const Tensor<T>& t : tensors) {
      const Sides sides = t.sides();
      const auto shape =
          slot_shape(rule_entry(rule), s, t.matrix(), {sides.count, sides.rows, sides.columns}, sides.longest);
      const Index size = shape ? std::accumulate(shape->begin(), shape->end(), Index{1}, std::multiplies<>()) : 0;
      offsets.push_back(offsets.back() + round_up(size, alignment));
    }
  }
  return all;
}

template <class T>
std::vector<Tensor<T>> with_slots(std::vector<Tensor<T>> tensors, int rule, const std::vector<int>& given,
                                  std::vector<Buffer<T>>& slots, const std::vector<std::vector<Index>>& offsets) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::size_t next = 0;
    for (; next < rule_entry(rule).slots.size(); ++next) {
      const bool any = offsets[next][i] < offsets[next][i + 1];
      tensors[i].slots[next] = any ? slots[next].data() + offsets[next][i] : nullptr;
    }
    for (const int place : given) {
      const auto transform = static_cast<std::size_t>(place);
      if (!transforms[transform].slot.empty()) {
        tensors[i].transform_slots[transform] = slots[next].data() + offsets[next][i];
        ++next;
      }
    }
  }
  return tensors;
}

}  // namespace

template <class T>
State<T>::State(int rule, const std::vector<int>& given, std::vector<Tensor<T>> tensors)
    : slot_names_(slot_names_of(rule, given)),
      offsets_(offsets_of(tensors)),
      slot_offsets_(slot_offsets_of(rule, slot_names_.size(), tensors)),
      slots_([&] {
        std::vector<Buffer<T>> buffers;
        buffers.reserve(slot_names_.size());
        for (const std::vector<Index>& offsets : slot_offsets_) {
          buffers.emplace_back(offsets.back());
        }
        return buffers;
      }()),
      step_(rule, given, with_slots(std::move(tensors), rule, given, slots_, slot_offsets_)) {}

template <class T>
std::vector<T*> State<T>::slots(std::size_t tensor) {
  std::vector<T*> result;
  result.reserve(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    result.push_back(slots_[i].data() + slot_offsets_[i][tensor]);
  }
  return result;
}

template <class T>
bool State<T>::splits() const {
  return step_.separate() && !step_.averages() && !step_.tensors().empty() &&
         std::ranges::all_of(slot_offsets_, [&](const std::vector<Index>& offsets) {
           return offsets.back() - offsets.front() == offsets_.back();
         });
}

template <class T>
void State<T>::part(Range part) {
  for (std::size_t i = 0; i < step_.tensors().size(); ++i) {
    const Range elements{std::max(part.begin - offsets_[i], Index{0}),
                         std::min(part.end - offsets_[i], step_.tensors()[i].size)};
    if (elements.size() > 0) {
      step_.part(i, elements);
    }
  }
}

int find_transform(std::string_view name) {
  return find_name(transforms, "transform", name);
}

template class State<float>;
template class State<double>;

}  // namespace fastopt
