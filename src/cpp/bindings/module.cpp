#include "bindings/module.h"

#include <pybind11/numpy.h>

#include "runtime/cpu.h"

// pybind11 would wait for ever in another interpreter than the main one, before any code of ours: what it defines gets
// another name, and is called from what Python looks for.
#define PyInit__core init_core
PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  using namespace fastopt::bindings;
  // Loads NumPy's interface, which lets go of the GIL. In a thread's first call it would do so within the
  // initialisation of a static variable, for which another thread would wait with the GIL.
  pybind11::dtype::of<double>();
  fastopt::kernel_table();  // an unknown FASTOPT_ISA is an error at import
  add_runtime(module);
  pybind11::module_ kernels = module.def_submodule("kernels");
  for (const auto add : {add_activation, add_batch_norm, add_group_norm, add_loss, add_maxout, add_noise, add_periodic,
                         add_prelu, add_product, add_random, add_reduce, add_sparse, add_sparse_coding}) {
    add(kernels);
  }
  add_roof(module);
  add_augment(module);
  add_columns(module);
  add_update(module);
  add_network(module);
  add_epoch(module);
  add_solvers(module);
}
#undef PyInit__core

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is Python's
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError, "fastopt works in the main interpreter only, not in a subinterpreter");
    return nullptr;
  }
  return init_core();
}
