// Aligned memory, owned, zeroed when it is made.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include "core/checked.h"
#include "core/types.h"

namespace fastopt {

inline constexpr Index alignment = 64;

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size) : size_(size), bytes_(round_up(checked_product(size, sizeof(T)), alignment)) {
    if (bytes_ >= huge_page) {
      bytes_ = round_up(bytes_, huge_page);
      data_ = static_cast<T*>(map_huge_pages(bytes_));
    } else if (bytes_ > 0) {
      data_ = static_cast<T*>(::operator new(static_cast<std::size_t>(bytes_), std::align_val_t{alignment}));
      std::memset(static_cast<void*>(data_), 0, static_cast<std::size_t>(bytes_));
    }
  }
  ~Buffer() {
    if (bytes_ >= huge_page) {
      munmap(data_, static_cast<std::size_t>(bytes_));
    } else {
      ::operator delete(data_, std::align_val_t{alignment});
    }
  }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
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

  // The system zeroes each page when it is first touched: gigabytes would take seconds at once.
  static void* map_huge_pages(Index bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    void* const mapped = mmap(nullptr, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
      throw std::bad_alloc();
    }
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(mapped) % huge_page;
    char* const data = static_cast<char*>(mapped) + before;
    if (before > 0) {
      munmap(mapped, before);
    }
    munmap(data + size, huge_page - before);
#if defined(MADV_HUGEPAGE)
    madvise(data, size, MADV_HUGEPAGE);
#endif
    return data;
  }

  T* data_ = nullptr;
  Index size_ = 0, bytes_ = 0;
};

}  // namespace fastopt
