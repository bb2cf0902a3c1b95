// Memory that a kernel may use while it runs.
#pragma once

#include <cstddef>

namespace fastopt {

// Of the calling thread: room enough for every kernel, on a cache line.
std::byte* scratch();

}  // namespace fastopt
