// Samples as they come from Python.
#pragma once

#include <string>
#include <vector>

#include "bindings/array.h"
#include "nn/input.h"

namespace fastopt::bindings {

// x [n, columns] of any strides, of float32, float64, an integer type or bool.
Samples samples(const py::handle& object, Index columns);

// A copy of numbers of such samples, at least one.
std::vector<Index> row_numbers(const py::handle& object, const std::string& name, Index rows);

}  // namespace fastopt::bindings
