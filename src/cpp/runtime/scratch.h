// Memory that a kernel may use while it runs. It belongs to the thread: two blocks that are large enough for every
// kernel, so that no phase has to say how much it needs. Nothing in them outlives the call of a kernel.
#pragma once

#include <cstddef>

#include "kernels/conv/args.h"
#include "kernels/product/args.h"

namespace fastopt {

// Bytes of each thread.
inline constexpr std::size_t scratch_size = product_scratch + image_scratch;

// `product_scratch` bytes of the calling thread, on a cache line.
std::byte* scratch();

// More of it, `image_scratch` bytes, for parts of images whose products use the former.
std::byte* scratch_for_images();

}  // namespace fastopt
