#include "solvers/list.h"

#include <functional>
#include <map>
#include <stdexcept>

#include "solvers/direction/bfgs.h"
#include "solvers/direction/conjugate_gradients.h"
#include "solvers/direction/lbfgs.h"
#include "solvers/direction/levenberg_marquardt.h"
#include "solvers/direction/newton.h"
#include "solvers/direction/newton_cg.h"
#include "solvers/direction/steepest.h"
#include "solvers/search/backtracking.h"
#include "solvers/search/exact.h"
#include "solvers/search/fixed_step.h"
#include "solvers/search/projected.h"
#include "solvers/search/trust_region.h"
#include "solvers/search/wolfe.h"

namespace fastopt::solvers {

namespace {

using Numbers = std::vector<double>;

// An entry for a class whose constructor takes the numbers in order, each as its type.
template <class Base, class Made, class... Types>
std::function<std::unique_ptr<Base>(const Numbers&)> takes() {
  return [](const Numbers& given) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> std::unique_ptr<Base> {
      if (given.size() != sizeof...(Types)) {
        throw std::invalid_argument("expected " + std::to_string(sizeof...(Types)) + " numbers");
      }
      return std::make_unique<Made>(static_cast<Types>(given[I])...);
    }(std::index_sequence_for<Types...>());
  };
}

template <class Base>
using Entries = std::map<std::string, std::function<std::unique_ptr<Base>(const Numbers&)>, std::less<>>;

template <class Base>
std::unique_ptr<Base> make(const Entries<Base>& entries, const Described& what) {
  const auto found = entries.find(what.name);
  if (found == entries.end()) {
    throw std::invalid_argument("unknown method '" + what.name + "'");
  }
  return found->second(what.numbers);
}

}  // namespace

std::unique_ptr<Direction> make_direction(const Described& what) {
  static const Entries<Direction> entries{
      {"steepest_descent", takes<Direction, Steepest>()},
      {"bfgs", takes<Direction, Bfgs, bool>()},
      {"lbfgs", takes<Direction, Lbfgs<double>, Index, bool>()},
      {"lbfgs_float32", takes<Direction, Lbfgs<float>, Index, bool>()},
      {"newton", takes<Direction, Newton, double>()},
      {"newtoncg", takes<Direction, NewtonCg>()},
      {"levenberg_marquardt", takes<Direction, LevenbergMarquardt, bool>()},
  };
  for (const auto& formula : ConjugateGradients::formulas) {
    if (what.name == formula.name) {
      return std::make_unique<ConjugateGradients>(formula, static_cast<Index>(what.numbers.at(0)));
    }
  }
  return make(entries, what);
}

std::unique_ptr<Search> make_search(const Described& what) {
  static const Entries<Search> entries{
      {"fixed_step", takes<Search, FixedStep, double>()},
      {"exact", takes<Search, Exact, double, Index>()},
      {"backtracking", takes<Search, Backtracking, double, double, Index>()},
      {"projected", takes<Search, Projected, double, double, Index>()},
      {"wolfe", takes<Search, Wolfe, double, double, Index>()},
      {"trust_region", takes<Search, TrustRegion, double, double, double>()},
  };
  return make(entries, what);
}

std::vector<std::string> formulas_of_beta() {
  std::vector<std::string> names;
  names.reserve(ConjugateGradients::formulas.size());
  for (const auto& formula : ConjugateGradients::formulas) {
    names.emplace_back(formula.name);
  }
  return names;
}

}  // namespace fastopt::solvers
