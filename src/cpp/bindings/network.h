// A network as Python holds it, and the calls that work on it: one at a time, without the GIL.
#pragma once

#include <memory>
#include <variant>

#include "bindings/exclusive.h"
#include "bindings/optimizer.h"
#include "bindings/python_calls.h"
#include "bindings/samples.h"
#include "nn/network.h"

namespace fastopt::bindings {

struct PyNetwork {
  std::variant<Network<float>, Network<double>> network;
  Exclusive exclusive{"model"};

  template <class F>
  auto visit(F&& f) {
    return std::visit([&]<class T>(Network<T>& n) { return f(n); }, network);
  }
};

struct PyOptimizer {
  std::shared_ptr<PyNetwork> network;
  std::variant<State<float>, State<double>> optimizer;

  template <class F>
  auto visit(F&& f) {
    return std::visit([&]<class T>(State<T>& o) { return f(o); }, optimizer);
  }
};

// As many objects as there are inputs or outputs: a list of them, or one by itself.
inline std::vector<py::object> several(const py::object& given, std::size_t count, const char* what) {
  if (count == 1 && !py::isinstance<py::list>(given) && !py::isinstance<py::tuple>(given)) {
    return {given};
  }
  std::vector<py::object> all;
  if (py::isinstance<py::list>(given) || py::isinstance<py::tuple>(given)) {
    all = given.cast<std::vector<py::object>>();
  }
  if (all.size() != count) {
    throw std::invalid_argument(std::string(what) + " must be a list of " + std::to_string(count));
  }
  return all;
}

// The samples of each input, of which there are so many objects.
template <class T>
std::vector<Samples> checked_samples(const Network<T>& network, const std::vector<py::object>& x) {
  std::vector<Samples> all;
  for (const py::object& one : x) {
    const Index columns = network.plan.columns(static_cast<Index>(all.size()));
    all.push_back(samples_of<T>(one, columns));
    if (all.back().rows == 0) {
      throw std::invalid_argument("x has no samples: its shape is (0, " + std::to_string(columns) + ")");
    }
    if (all.back().rows != all.front().rows) {
      throw std::invalid_argument("the inputs must have equally many samples, got " + std::to_string(all.front().rows) +
                                  " and " + std::to_string(all.back().rows));
    }
  }
  return all;
}
template <class T>
std::vector<Samples> checked_samples(const Network<T>& network, const py::object& x) {
  return checked_samples(network, several(x, static_cast<std::size_t>(network.plan.inputs), "x"));
}

// Noise has numbers for so many batches.
constexpr std::int64_t max_draws = std::int64_t{1} << 38;

// Refuses so many more batches where there are too many.
inline void check_draws(std::int64_t draws, Index more) {
  if (draws < 0 || draws >= max_draws - more) {
    throw std::invalid_argument("draws counts batches from 0 to less than 2^38; it is " + std::to_string(draws));
  }
}

inline void check_batch_size(Index batch_size) {
  if (batch_size < 1) {
    throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(batch_size));
  }
}

// Works on a network: other calls of other threads are waited for, unless Python asks to stop.
class Turn {
 public:
  Turn(PyNetwork& self, PythonCalls& python)
      : lock_(self.exclusive, [&] {
          if (!self.exclusive.wait() && !python.call([] { return true; })) {
            python.rethrow();
            throw std::runtime_error("the interpreter exits");
          }
        }) {}

 private:
  Exclusive::Lock lock_;
};

// Calls work(poll) without the GIL, alone on the network; then raises what Python raised in it.
template <class F>
void run(PyNetwork& self, PythonCalls& python, const py::object& poll, F&& work) {
  const Poll polled = python.poll(poll);
  {
    const Released released;
    const Turn turn(self, python);
    work(polled);
  }
  python.rethrow();
}

template <class F>
void run(PyNetwork& self, const py::object& poll, F&& work) {
  PythonCalls python;
  run(self, python, poll, std::forward<F>(work));
}

}  // namespace fastopt::bindings
