// How images are changed at random, as Python holds it.
#pragma once

#include <variant>

#include "ops/augment.h"

namespace fastopt::bindings {

struct PyAugmentation {
  std::variant<Augmentation<float>, Augmentation<double>> augmentation;
};

}  // namespace fastopt::bindings
