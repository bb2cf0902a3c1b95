// What bindings of methods that look at the whole function have in common.
#pragma once

#include "solvers/minimize.h"

namespace fastopt::bindings {

const char* name_of(solvers::Ending ending);

}  // namespace fastopt::bindings
