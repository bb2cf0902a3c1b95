// How the processor treats denormal numbers, for a scope.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fastopt {

class FloatMode {
 public:
  static FloatMode current() { return FloatMode(read()); }

  // Flush-to-zero and denormals-are-zero, as the processor spells them.
  FloatMode flushing_denormals() const { return FloatMode(value_ | flush); }

  class Scope {
   public:
    explicit Scope(FloatMode mode) : saved_(read()) { write(mode.value_); }
    ~Scope() { write(saved_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::uint64_t saved_;
  };

 private:
#if defined(__x86_64__)
  static constexpr std::uint64_t flush = 0x8040;
  static std::uint64_t read() { return _mm_getcsr(); }
  static void write(std::uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t flush = std::uint64_t{1} << 24;
  static std::uint64_t read() {
    std::uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(std::uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#endif

  explicit FloatMode(std::uint64_t value) : value_(value) {}
  std::uint64_t value_;
};

}  // namespace fastopt
