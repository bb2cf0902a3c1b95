#include "runtime/scratch.h"

#include "kernels/product/args.h"
#include "runtime/buffer.h"

namespace fastopt {

std::byte* scratch() {
  alignas(alignment) thread_local std::byte memory[product_scratch];
  return memory;
}

}  // namespace fastopt
