#include "ops/activation.h"

#include "core/find.h"

namespace fastopt {

int find_activation(std::string_view name) {
  return find_name(activations(), "activation", name);
}

}  // namespace fastopt
