// The cost of samples as a function of the parameters that learn, for the methods of `solvers`.
#pragma once

#include <utility>
#include <vector>

#include "solvers/problem.h"
#include "train/full_batch.h"

namespace fastopt {

// How often a method has looked at the cost.
struct Evaluations {
  Index values = 0, gradients = 0, products = 0;
};

// Thrown where the watch asks to stop.
struct Stopped {};

// Vectors hold the tensors that learn, one after the other. Points are those that parameters can hold. The network
// stays as it is until `keep`.
template <class T>
class ModelProblem final : public solvers::Problem {
 public:
  ModelProblem(Network<T>& network, Cost<T>& cost, Watch& watch);

  static Index size_of(const Network<T>& network);
  static void gather(const Network<T>& network, solvers::Out x);

  Index size() const override { return size_of(network_); }
  double value(solvers::In x) override;
  double differentiate(solvers::In x, solvers::Out gradient) override;
  // By products with the unit vectors.
  void hessian(solvers::In x, solvers::Out matrix) override;
  // Exactly where the cost can; else central differences of the gradient.
  void multiply_hessian(solvers::In x, solvers::In v, solvers::Out product) override;
  void residuals(solvers::In, solvers::Vector&, solvers::Vector&) override;
  void look(double operations) override;
  void project(solvers::Out x) const override;

  // Takes this point for the parameters, and the state of layers as the last gradient left it, which was there.
  void keep(solvers::In x);

  Evaluations spent;

 private:
  // From a vector to the tensors, and back.
  void place(solvers::In x, Buffer<T>& to) const;
  void gather_from(const std::vector<double>& tensors, solvers::Out to) const;
  double evaluate(solvers::In x, solvers::Out gradient);

  Network<T>& network_;
  Cost<T>& cost_;
  Watch& watch_;
  std::vector<std::pair<Index, Index>> tensors_;  // offset and size of each
  Buffer<T> parameters_, direction_, state_;
  std::vector<double> gradient_;
};

}  // namespace fastopt
