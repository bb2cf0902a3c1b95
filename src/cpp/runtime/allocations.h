// Counts the heap allocations of this module.
#pragma once

#include <cstdint>

namespace fastopt {

std::int64_t allocation_count();

}  // namespace fastopt
