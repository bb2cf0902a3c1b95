#include "bindings/module.h"

#include "bindings/gil.h"
#include "runtime/cpu.h"

PYBIND11_MODULE(_core, module) {
  fastopt::kernel_table();  // an unknown FASTOPT_ISA is an error at import
  fastopt::bindings::wait_at_exit();
  fastopt::bindings::add_runtime(module);
  fastopt::bindings::add_kernels(module);
  fastopt::bindings::add_layers(module);
  fastopt::bindings::add_normalization(module);
  fastopt::bindings::add_roof(module);
  fastopt::bindings::add_update(module);
  fastopt::bindings::add_network(module);
  fastopt::bindings::add_epoch(module);
}
