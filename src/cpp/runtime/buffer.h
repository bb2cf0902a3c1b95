// Aligned memory, owned, zeroed when it is made.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/table.h"

namespace fastopt {

inline constexpr Index alignment = 64;

inline Index round_up(Index value, Index multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Throws std::length_error where the product does not fit.
inline Index checked_product(Index a, Index b) {
  Index result;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw std::length_error("a size of " + std::to_string(a) + " x " + std::to_string(b) + " elements is too large");
  }
  return result;
}

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size) : size_(size) {
    const Index bytes = round_up(checked_product(size, sizeof(T)), alignment);
    if (bytes > 0) {
      data_ = static_cast<T*>(::operator new(static_cast<std::size_t>(bytes), alignment_of(size)));
      if (size * static_cast<Index>(sizeof(T)) >= huge_page) {
        madvise(data_, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
      }
      std::memset(static_cast<void*>(data_), 0, static_cast<std::size_t>(bytes));
    }
  }
  ~Buffer() { ::operator delete(data_, alignment_of(size_)); }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  Index size() const { return size_; }

 private:
  // The rows of a large matrix lie in as many pages of the usual size: more than a processor's first table of pages
  // holds.
  static constexpr Index huge_page = Index{1} << 21;
  static std::align_val_t alignment_of(Index size) {
    return std::align_val_t{
        static_cast<std::size_t>(size * static_cast<Index>(sizeof(T)) >= huge_page ? huge_page : alignment)};
  }

  T* data_ = nullptr;
  Index size_ = 0;
};

}  // namespace fastopt
