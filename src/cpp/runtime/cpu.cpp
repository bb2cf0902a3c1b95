#include "runtime/cpu.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

// FASTOPT_ISA_LIST is made by CMake: X(x86_64_v4) X(x86_64_v3) ..., best first.
#define FASTOPT_DECLARE(isa)      \
  namespace isa {                 \
  extern const KernelTable table; \
  }
namespace fastopt {
FASTOPT_ISA_LIST(FASTOPT_DECLARE)

namespace {

struct Entry {
  const KernelTable* table;
  std::string name;
};

#if defined(__x86_64__)
// The part of x86-64-v3 that __builtin_cpu_supports does not know in Clang before 17.
bool has_f16c_movbe_lzcnt() {
  unsigned eax, ebx, ecx, edx;
  const auto has = [&](unsigned leaf, unsigned bits) {
    return __get_cpuid(leaf, &eax, &ebx, &ecx, &edx) && (ecx & bits) == bits;
  };
  return has(1, bit_F16C | bit_MOVBE) && has(0x80000001, bit_LZCNT);
}
#endif

bool supported([[maybe_unused]] std::string_view name) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const auto v2 = [] { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); };
  const auto v3 = [&] {
    return v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && has_f16c_movbe_lzcnt();
  };
  const auto v4 = [&] {
    return v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  };
  return name == "x86-64-v4" ? v4() : name == "x86-64-v3" ? v3() : v2();
#else
  return true;
#endif
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> list = [] {
    std::vector<Entry> all;
#define FASTOPT_ENTRY(name) all.push_back({&name::table, name::table.isa});
    FASTOPT_ISA_LIST(FASTOPT_ENTRY)
    for (Entry& entry : all) {
      std::ranges::replace(entry.name, '_', '-');
    }
    std::erase_if(all, [](const Entry& entry) { return !supported(entry.name); });
    if (all.empty()) {
      throw std::runtime_error(
          "this processor has none of the instruction sets that fastopt was built for (x86-64-v2 or newer)");
    }
    return all;
  }();
  return list;
}

const Entry& find(std::string_view name) {
  for (const Entry& entry : entries()) {
    if (entry.name == name) {
      return entry;
    }
  }
  std::string names;
  for (const Entry& entry : entries()) {
    names += (names.empty() ? "" : ", ") + entry.name;
  }
  throw std::invalid_argument("unknown or unavailable instruction set '" + std::string(name) +
                              "'; this processor has " + names);
}

std::atomic<const Entry*>& current() {
  static std::atomic<const Entry*> entry = [] {
    const char* wanted = std::getenv("FASTOPT_ISA");
    if (!wanted || !*wanted) {
      return &entries().front();
    }
    try {
      return &find(wanted);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("the environment variable FASTOPT_ISA: " + std::string(error.what()));
    }
  }();
  return entry;
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    names.push_back(entry.name);
  }
  return names;
}

const KernelTable& kernel_table() {
  return *current().load(std::memory_order_relaxed)->table;
}

std::string current_isa() {
  return current().load()->name;
}

void use_isa(std::string_view name) {
  current() = &find(name);
}

}  // namespace fastopt
