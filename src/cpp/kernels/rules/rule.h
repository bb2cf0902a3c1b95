// A rule is its name, its slots and hyperparameters by name, the coefficients of one step (in double, from the step
// number, which starts at 1) and the formula for one vector of elements.
#pragma once

#include <array>
#include <string_view>

#include "kernels/table.h"
#include "simd/vec.h"
