// One file a topic, each behind a function that adds it to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace fastopt::bindings {

void add_runtime(pybind11::module_& module);
void add_kernels(pybind11::module_& module);
void add_layers(pybind11::module_& module);
void add_normalization(pybind11::module_& module);
void add_roof(pybind11::module_& module);
void add_update(pybind11::module_& module);
void add_network(pybind11::module_& module);
void add_epoch(pybind11::module_& module);

}  // namespace fastopt::bindings
