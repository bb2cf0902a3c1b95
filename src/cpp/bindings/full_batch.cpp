// The cost of all samples, its gradient and its curvature at any weights.
#include "train/full_batch.h"

#include "bindings/epoch.h"

namespace fastopt::bindings {

namespace {

// f(offset in the plan's vectors, offset in the caller's, size) for the trained tensors, which lie one after the other
// in vectors of the caller's, but on cache lines in those of the plan; returns the size of the former.
template <class T, class F>
Index for_each_trained(const Plan<T>& plan, F&& f) {
  Index count = 0;
  for (const Node<T>& node : plan.nodes) {
    for (const TensorSpec& tensor : node.layer.tensors) {
      if (tensor.trained) {
        f(tensor.offset, count, tensor.size);
        count += tensor.size;
      }
    }
  }
  return count;
}

template <class T>
Index trained_size(const Plan<T>& plan) {
  return for_each_trained(plan, [](Index, Index, Index) {});
}

// A vector of the caller's, laid out as the plan's, with a line of slack.
template <class T>
Buffer<T> laid_out(const Network<T>& network, const py::object& vector, const char* name) {
  const py::array given = checked<double>(vector, name, {trained_size(network.plan)});
  const double* const from = data<double>(given);
  Buffer<T> to(network.parameters.size());
  for_each_trained(network.plan, [&](Index place, Index first, Index size) {
    std::transform(from + first, from + first + size, to.data() + place,
                   [](double value) { return static_cast<T>(value); });
  });
  return to;
}

template <class T>
py::array_t<double> gathered(const Plan<T>& plan, const std::vector<double>& vector) {
  py::array_t<double> to(trained_size(plan));
  double* const first = to.mutable_data();
  for_each_trained(
      plan, [&](Index place, Index start, Index size) { std::copy_n(vector.begin() + place, size, first + start); });
  return to;
}

py::array multiply_curvature(PyEpoch& self, const py::object& vector, const py::object& parameters, bool gauss_newton,
                             const py::object& poll) {
  return self.visit([&]<class T>(Network<T>& network, Data<T>& d) -> py::array {
    const Buffer<T> direction = laid_out(network, vector, "v");
    const Buffer<T> at = parameters.is_none() ? Buffer<T>() : laid_out(network, parameters, "w");
    std::vector<double> product(static_cast<std::size_t>(network.plan.parameters));
    if (!d.curvature) {
      d.curvature.emplace(network, d.x, d.objective);
    }
    run(*self.network, d.python, poll, [&](const Poll& polled) {
      Watch watch(polled);
      (*d.curvature)(d.samples, gauss_newton ? Curvature::gauss_newton : Curvature::hessian,
                     at.size() > 0 ? at.data() : network.parameters.data(), direction.data(), product, watch);
    });
    return gathered(network.plan, product);
  });
}

py::tuple cost_and_gradient(PyEpoch& self, const py::object& parameters, bool whole, const py::object& poll) {
  return self.visit([&]<class T>(Network<T>& network, Data<T>& d) {
    const Buffer<T> at = parameters.is_none() ? Buffer<T>() : laid_out(network, parameters, "w");
    std::vector<double> sums(static_cast<std::size_t>(network.plan.parameters));
    double cost = 0;
    run(*self.network, d.python, poll, [&](const Poll& polled) {
      const T* const w = parameters.is_none() ? network.parameters.data() : at.data();
      Watch watch(polled);
      cost = Cost<T>(network, d.x, d.samples, d.objective, {}, whole, watch)(w, network.state.data(), sums).value_or(0);
    });
    if (const PyGoal* const goal = std::exchange(d.not_finite, nullptr)) {
      raise(PyExc_FloatingPointError, "the gradient of '" + goal->name + "' is not finite");
    }
    return py::make_tuple(cost, gathered(network.plan, sums));
  });
}

}  // namespace

void add_full_batch(py::class_<PyEpoch, std::shared_ptr<PyEpoch>>& epoch) {
  const py::object none = py::none();
  epoch
      .def_property_readonly("has_curvature",
                             [](PyEpoch& self) {
                               return self.visit([](auto& network, auto& data) {
                                 return network.plan.has_curvature({}) && !data.objective.asks();
                               });
                             })
      .def("multiply_curvature", &multiply_curvature, py::arg("v"), py::arg("parameters") = none,
           py::arg("gauss_newton") = false, py::arg("poll") = none)
      .def("cost_and_gradient", &cost_and_gradient, py::arg("parameters") = none, py::arg("whole") = false,
           py::arg("poll") = none);
}

}  // namespace fastopt::bindings
