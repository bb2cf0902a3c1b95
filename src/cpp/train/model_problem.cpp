#include "train/model_problem.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace fastopt {

using solvers::Vector;

template <class T>
ModelProblem<T>::ModelProblem(Network<T>& network, Cost<T>& cost, Watch& watch)
    : network_(network),
      cost_(cost),
      watch_(watch),
      parameters_(network.parameters.size()),
      direction_(network.parameters.size()),
      state_(network.state.size()),
      gradient_(static_cast<std::size_t>(network.plan.parameters)) {
  network.plan.for_each_learning([&](const TensorSpec& tensor) { tensors_.emplace_back(tensor.offset, tensor.size); });
  std::copy_n(network.parameters.data(), network.parameters.size(), parameters_.data());
}

template <class T>
Index ModelProblem<T>::size_of(const Network<T>& network) {
  Index size = 0;
  network.plan.for_each_learning([&](const TensorSpec& tensor) { size += tensor.size; });
  return size;
}

template <class T>
void ModelProblem<T>::gather(const Network<T>& network, solvers::Out x) {
  auto to = x.begin();
  network.plan.for_each_learning(
      [&](const TensorSpec& tensor) { to = std::copy_n(network.parameters.data() + tensor.offset, tensor.size, to); });
}

template <class T>
void ModelProblem<T>::place(solvers::In x, Buffer<T>& to) const {
  auto from = x.begin();
  for (const auto& [offset, size] : tensors_) {
    std::transform(from, from + size, to.data() + offset, [](double v) { return static_cast<T>(v); });
    from += size;
  }
}

template <class T>
void ModelProblem<T>::gather_from(const std::vector<double>& tensors, solvers::Out to) const {
  auto next = to.begin();
  for (const auto& [offset, size] : tensors_) {
    next = std::copy_n(tensors.begin() + offset, size, next);
  }
}

template <class T>
double ModelProblem<T>::evaluate(solvers::In x, solvers::Out gradient) {
  place(x, parameters_);
  std::copy_n(network_.state.data(), network_.state.size(), state_.data());
  const std::optional<double> cost = cost_(parameters_.data(), state_.data(), gradient);
  if (!cost) {
    throw Stopped();
  }
  return *cost;
}

template <class T>
double ModelProblem<T>::value(solvers::In x) {
  ++spent.values;
  return evaluate(x, {});
}

template <class T>
double ModelProblem<T>::differentiate(solvers::In x, solvers::Out gradient) {
  ++spent.values;
  ++spent.gradients;
  const double value = evaluate(x, gradient_);
  gather_from(gradient_, gradient);
  return value;
}

template <class T>
void ModelProblem<T>::multiply_hessian(solvers::In x, solvers::In v, solvers::Out product) {
  ++spent.products;
  if (cost_.has_curvature()) {
    place(x, parameters_);
    place(v, direction_);
    if (!cost_.multiply_hessian(parameters_.data(), direction_.data(), gradient_)) {
      throw Stopped();
    }
    gather_from(gradient_, product);
    return;
  }
  const double length = solvers::norm(v);
  std::ranges::fill(product, 0.0);
  if (length == 0) {
    return;
  }
  const double step =
      std::cbrt(static_cast<double>(std::numeric_limits<T>::epsilon())) * std::max(1.0, solvers::norm(x)) / length;
  Vector there(x.size()), gradient(x.size());
  for (const double side : {1.0, -1.0}) {
    std::ranges::copy(x, there.begin());
    solvers::add(side * step, v, there);
    differentiate(there, gradient);
    solvers::add(side / (2 * step), gradient, product);
  }
}

template <class T>
void ModelProblem<T>::hessian(solvers::In x, solvers::Out matrix) {
  const std::size_t n = x.size();
  Vector unit(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    unit[i] = 1;
    multiply_hessian(x, unit, matrix.subspan(i * n, n));
    unit[i] = 0;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      matrix[i * n + j] = matrix[j * n + i] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
    }
  }
}

template <class T>
void ModelProblem<T>::residuals(solvers::In, Vector&, Vector&) {
  throw std::logic_error("a model has no residuals");
}

template <class T>
void ModelProblem<T>::look(double operations) {
  watch_.look(operations, cost_.done);
  if (watch_.stopped()) {
    throw Stopped();
  }
}

template <class T>
void ModelProblem<T>::project(solvers::Out x) const {
  for (double& v : x) {
    v = static_cast<double>(static_cast<T>(v));
  }
}

template <class T>
void ModelProblem<T>::keep(solvers::In x) {
  place(x, parameters_);
  std::copy_n(parameters_.data(), network_.plan.parameters, network_.parameters.data());
  std::copy_n(state_.data(), network_.plan.state, network_.state.data());
}

template class ModelProblem<float>;
template class ModelProblem<double>;

}  // namespace fastopt
