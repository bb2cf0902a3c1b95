// Memory that a kernel may use while it runs.
#pragma once

#include <cstddef>

namespace fastopt {

// Of the calling thread: room enough for every kernel, on a cache line.
std::byte* scratch();

// More of it, `patch_scratch` bytes, for the factors of products that use the former.
std::byte* scratch_for_patches();

}  // namespace fastopt
