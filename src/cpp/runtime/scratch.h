// Memory that a kernel may use while it runs. It belongs to the thread: two blocks that are large enough for every
// kernel, so that no phase has to say how much it needs. Nothing in them outlives the call of a kernel.
#pragma once

#include <cstddef>

#include "kernels/conv/args.h"
#include "kernels/product/args.h"

namespace fastopt {

// Bytes of each thread.
inline constexpr std::size_t scratch_size = product_scratch + patch_scratch;

// `product_scratch` bytes of the calling thread, on a cache line.
std::byte* scratch();

// More of it, `patch_scratch` bytes, for the factors of products that use the former.
std::byte* scratch_for_patches();

}  // namespace fastopt
