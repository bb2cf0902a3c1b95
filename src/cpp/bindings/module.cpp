#include "bindings/module.h"

#include "bindings/gil.h"
#include "runtime/cpu.h"

PYBIND11_MODULE(_core, module) {
  using namespace fastopt::bindings;
  fastopt::kernel_table();  // an unknown FASTOPT_ISA is an error at import
  wait_at_exit();
  add_runtime(module);
  pybind11::module_ kernels = module.def_submodule("kernels");
  for (const auto add : {add_activation, add_batch_norm, add_group_norm, add_loss, add_maxout, add_noise, add_prelu,
                         add_product, add_random, add_reduce}) {
    add(kernels);
  }
  add_roof(module);
  add_update(module);
  add_network(module);
  add_epoch(module);
}
