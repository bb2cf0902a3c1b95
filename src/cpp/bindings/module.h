// One file a topic, each behind a function that adds it to the module or, from kernels/, to its submodule.
#pragma once

#include <pybind11/pybind11.h>

namespace fastopt::bindings {

void add_runtime(pybind11::module_& module);
void add_roof(pybind11::module_& module);
void add_augment(pybind11::module_& module);
void add_columns(pybind11::module_& module);
void add_update(pybind11::module_& module);
void add_network(pybind11::module_& module);
void add_epoch(pybind11::module_& module);
void add_solvers(pybind11::module_& module);

void add_activation(pybind11::module_& kernels);
void add_batch_norm(pybind11::module_& kernels);
void add_group_norm(pybind11::module_& kernels);
void add_loss(pybind11::module_& kernels);
void add_maxout(pybind11::module_& kernels);
void add_noise(pybind11::module_& kernels);
void add_periodic(pybind11::module_& kernels);
void add_prelu(pybind11::module_& kernels);
void add_product(pybind11::module_& kernels);
void add_random(pybind11::module_& kernels);
void add_reduce(pybind11::module_& kernels);
void add_sparse(pybind11::module_& kernels);
void add_sparse_coding(pybind11::module_& kernels);

}  // namespace fastopt::bindings
