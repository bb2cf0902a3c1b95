// Methods that look at the whole function, for functions of Python.
#include "bindings/solvers.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/network.h"
#include "solvers/linear/lanczos.h"
#include "solvers/list.h"
#include "train/model_problem.h"

namespace fastopt::bindings {

namespace {

using solvers::In;
using solvers::Out;

py::array_t<double> array_of(In values) {
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

// multiply(v) returns A v.
py::tuple lanczos(const py::object& multiply, const py::array_t<double>& start, Index products, double tolerance) {
  const auto of_array = [&](In v, Out product) {
    const auto given = multiply(array_of(v)).cast<py::array_t<double>>();
    std::copy_n(given.data(), product.size(), product.begin());
  };
  const solvers::Extremes found =
      solvers::lanczos(of_array, {start.data(), static_cast<std::size_t>(start.size())}, products, tolerance);
  return py::make_tuple(found.smallest, found.largest, found.products, found.converged);
}

// The GIL, for a call of Python; where the interpreter exits there are none any more.
class Acquired {
 public:
  Acquired() {
    if (exiting()) {
      throw std::runtime_error("the interpreter exits");
    }
    lock_.emplace();
  }

 private:
  std::optional<py::gil_scoped_acquire> lock_;
};

// Functions return what is asked for: float64 arrays of the right size, checked by who passes them. They are called
// with arrays of their own, and with the GIL, which methods run without.
class PyProblem final : public solvers::Problem {
 public:
  PyProblem(Index size, py::object value, py::object differentiate, py::object gradient, py::object hessian,
            py::object multiply_hessian, py::object residuals,
            std::optional<std::pair<solvers::Vector, solvers::Vector>> bounds)
      : size_(size),
        value_(std::move(value)),
        differentiate_(std::move(differentiate)),
        gradient_(std::move(gradient)),
        hessian_(std::move(hessian)),
        multiply_hessian_(std::move(multiply_hessian)),
        residuals_(std::move(residuals)),
        bounds_(std::move(bounds)) {}

  Index size() const override { return size_; }
  double value(In x) override {
    const Acquired python;
    return value_(array_of(x)).cast<double>();
  }
  double differentiate(In x, Out gradient) override {
    const Acquired python;
    const auto both = differentiate_(array_of(x)).cast<std::pair<double, py::array_t<double>>>();
    copy(both.second, gradient);
    return both.first;
  }
  void gradient(In x, Out to) override {
    const Acquired python;
    copy(gradient_(array_of(x)), to);
  }
  void hessian(In x, Out matrix) override {
    const Acquired python;
    copy(hessian_(array_of(x)), matrix);
  }
  void multiply_hessian(In x, In v, Out product) override {
    const Acquired python;
    copy(multiply_hessian_(array_of(x), array_of(v)), product);
  }
  void residuals(In x, solvers::Vector& r, solvers::Vector& jacobian) override {
    const Acquired python;
    const auto both = residuals_(array_of(x)).cast<std::pair<py::array_t<double>, py::array_t<double>>>();
    r.resize(static_cast<std::size_t>(both.first.size()));
    jacobian.resize(static_cast<std::size_t>(both.second.size()));
    copy(both.first, r);
    copy(both.second, jacobian);
  }
  void look(double) override {
    PythonCalls calls;
    calls.call([] { return true; });  // looks for signals
    const Acquired python;
    calls.rethrow();
  }
  bool bounded() const override { return bounds_.has_value(); }
  void project(Out x) const override {
    if (bounds_) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = std::clamp(x[i], bounds_->first[i], bounds_->second[i]);
      }
    }
  }

 private:
  static void copy(const py::array_t<double>& from, Out to) {
    if (static_cast<std::size_t>(from.size()) != to.size()) {
      throw std::invalid_argument("expected " + std::to_string(to.size()) + " values, got " +
                                  std::to_string(from.size()));
    }
    std::copy_n(from.data(), to.size(), to.begin());
  }

  Index size_;
  py::object value_, differentiate_, gradient_, hessian_, multiply_hessian_, residuals_;
  std::optional<std::pair<solvers::Vector, solvers::Vector>> bounds_;
};

// The parameters of a network that learn, one after the other.
solvers::Vector point_of(PyNetwork& self) {
  return self.visit([&]<class T>(Network<T>& network) {
    PythonCalls python;
    const Released released;
    const Turn turn(self, python);
    network.freeze();
    solvers::Vector x(static_cast<std::size_t>(ModelProblem<T>::size_of(network)));
    ModelProblem<T>::gather(network, x);
    return x;
  });
}

std::size_t size_of(const solvers::Slot& slot) {
  return std::visit([](auto values) { return values.size(); }, slot.values);
}

// Whatever they are kept as.
py::array_t<double> doubles_of(const solvers::Slot& slot) {
  py::array_t<double> all(static_cast<py::ssize_t>(size_of(slot)));
  std::visit([&](auto values) { std::ranges::copy(values, all.mutable_data()); }, slot.values);
  return all;
}

void restore(solvers::Minimizer& self, const std::map<std::string, py::array_t<double>>& values) {
  const std::vector<solvers::Slot> slots = self.slots();
  for (const auto& [name, array] : values) {
    const auto slot = std::ranges::find(slots, name, &solvers::Slot::name);
    if (slot == slots.end() || static_cast<std::size_t>(array.size()) != size_of(*slot)) {
      throw std::invalid_argument("the solver keeps no '" + name + "' of " + std::to_string(array.size()) + " numbers");
    }
  }
  for (const auto& [name, array] : values) {
    const auto copy = [&from = array]<class T>(std::span<T> to) {
      std::transform(from.data(), from.data() + to.size(), to.begin(), [](double v) { return static_cast<T>(v); });
    };
    std::visit(copy, std::ranges::find(slots, name, &solvers::Slot::name)->values);
  }
}

}  // namespace

const char* name_of(solvers::Ending ending) {
  static constexpr const char* names[] = {"none", "gradient", "value", "step", "search", "not_finite"};
  return names[static_cast<std::size_t>(ending)];
}

void add_solvers(py::module_& module) {
  using solvers::Minimizer;
  py::module_ solvers = module.def_submodule("solvers");
  py::class_<PyProblem>(solvers, "Problem")
      .def(py::init<Index, py::object, py::object, py::object, py::object, py::object, py::object,
                    std::optional<std::pair<solvers::Vector, solvers::Vector>>>(),
           py::kw_only(), py::arg("size"), py::arg("value"), py::arg("differentiate"), py::arg("gradient"),
           py::arg("hessian"), py::arg("multiply_hessian"), py::arg("residuals"), py::arg("bounds"));
  using Spec = std::pair<std::string, std::vector<double>>;
  py::class_<Minimizer>(solvers, "Minimizer")
      .def(py::init([](const Spec& direction, const Spec& search, double gradient, bool euclidean, double value,
                       double floor, double step) {
             return Minimizer(
                 solvers::make_direction({direction.first, direction.second}),
                 solvers::make_search({search.first, search.second}),
                 {.gradient = gradient, .euclidean = euclidean, .value = value, .floor = floor, .step = step});
           }),
           py::arg("direction"), py::arg("search"), py::kw_only(), py::arg("gradient"), py::arg("euclidean"),
           py::arg("value"), py::arg("floor"), py::arg("step"))
      .def("start",
           [](Minimizer& self, PyProblem& problem, const py::array_t<double>& x) {
             const In start(x.data(), static_cast<std::size_t>(x.size()));
             const Released released;
             return name_of(self.start(problem, start));
           })
      // At the parameters of a network, for `Epoch.solve`.
      .def("place",
           [](Minimizer& self, PyNetwork& network) {
             const solvers::Vector x = point_of(network);
             const Released released;
             self.place(x);
           })
      .def("stands_at", [](const Minimizer& self, PyNetwork& network) { return self.point().x == point_of(network); })
      .def("restore", &restore)
      .def("iterate",
           [](Minimizer& self, PyProblem& problem) {
             const Released released;
             return name_of(self.iterate(problem));
           })
      .def_property_readonly("x", [](const Minimizer& self) { return array_of(self.point().x); })
      .def_property_readonly("gradient", [](const Minimizer& self) { return array_of(self.point().gradient); })
      .def_property_readonly("value", [](const Minimizer& self) { return self.point().value; })
      .def("slots", [](Minimizer& self) {
        py::dict all;
        for (const auto& slot : self.slots()) {
          all[py::str(slot.name)] = doubles_of(slot);
        }
        return all;
      });
  solvers.def("lanczos", &lanczos, py::arg("multiply"), py::arg("start"), py::arg("products"), py::arg("tolerance"));
  solvers.def("formulas_of_beta", &solvers::formulas_of_beta);
}

}  // namespace fastopt::bindings
