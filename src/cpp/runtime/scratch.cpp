#include "runtime/scratch.h"

#include "core/buffer.h"
#include "kernels/product/args.h"

namespace fastopt {

std::byte* scratch() {
  alignas(alignment) thread_local std::byte memory[product_scratch];
  return memory;
}

}  // namespace fastopt
