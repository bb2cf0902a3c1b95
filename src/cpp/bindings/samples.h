// Samples as they come from Python.
#pragma once

#include "bindings/array.h"
#include "nn/input.h"

namespace fastopt::bindings {

// x [n, columns] of any strides, of float32, float64, an integer type or bool.
Samples samples(const py::handle& object, Index columns);

}  // namespace fastopt::bindings
