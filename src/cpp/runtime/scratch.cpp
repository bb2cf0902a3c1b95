#include "runtime/scratch.h"

#include "core/buffer.h"

namespace fastopt {

namespace {

// One block, so that a thread has one place.
std::byte* memory() {
  alignas(alignment) thread_local std::byte memory[scratch_size];
  return memory;
}

}  // namespace

std::byte* scratch() {
  return memory();
}

std::byte* scratch_for_images() {
  return memory() + product_scratch;
}

}  // namespace fastopt
