// The directions and searches by name; numbers are what their constructors take.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "solvers/direction/direction.h"
#include "solvers/search/search.h"

namespace fastopt::solvers {

struct Described {
  std::string name;
  std::vector<double> numbers;
};

std::unique_ptr<Direction> make_direction(const Described& what);
std::unique_ptr<Search> make_search(const Described& what);
std::vector<std::string> formulas_of_beta();

}  // namespace fastopt::solvers
