#include "bindings/target.h"

namespace fastopt::bindings {

void refuse_label(const char* name, Index sample, Index label, Index columns) {
  throw std::invalid_argument(std::string(name) + "[" + std::to_string(sample) + "] = " + std::to_string(label) +
                              " is not a class: with " + std::to_string(columns) + " outputs, labels are 0 to " +
                              std::to_string(columns - 1));
}

}  // namespace fastopt::bindings
