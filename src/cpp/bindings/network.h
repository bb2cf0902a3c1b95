// A network as Python holds it, and the calls that work on it: one at a time, without the GIL.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <variant>

#include "bindings/gil.h"
#include "bindings/optimizer.h"
#include "bindings/samples.h"
#include "nn/network.h"

namespace fastopt::bindings {

// Calls of Python from within a run that has released the GIL; what they raise is kept until the run has stopped.
class PythonCalls {
 public:
  // With the GIL: f(), which may raise; false where it does, or returns false.
  template <class F>
  bool call(F&& f) {
    if (exiting()) {
      return false;
    }
    const py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
      }
      return f();
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }

  // A poll that looks for signals and calls a function of the number of batches done, or None.
  Poll poll(const py::object& function) {
    return [this, callable = py::handle(function)](Index done) {
      return call([&] {
        if (!callable.is_none()) {
          callable(done);
        }
        return true;
      });
    };
  }

  // With the GIL, after the run.
  void rethrow() {
    if (error_) {
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
  }

 private:
  std::exception_ptr error_;
};

// The number of this process, asked for once and again in each child.
inline pid_t this_process() {
  static std::atomic<pid_t> process{getpid()};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { process = getpid(); });
  static_cast<void>(registered);
  return process;
}

// One call at a time works on a network. A call from within a running one (from its poll) is refused instead of waiting
// for itself; so is one in a process that was forked during a call, which would wait for a thread that it does not
// have.
class Exclusive {
 public:
  class Lock {
   public:
    explicit Lock(Exclusive& exclusive) : exclusive_(exclusive) {
      const pid_t process = this_process();
      for (pid_t holder = 0; !exclusive.holder_.compare_exchange_strong(holder, process); holder = 0) {
        if (holder != process) {
          throw std::runtime_error(
              "this process was forked while a call worked on this model, which never ends here: make or load another");
        }
        if (exclusive.owner_.load() == std::this_thread::get_id()) {
          throw std::runtime_error("this model is busy: it was called from within its own training or prediction");
        }
        exclusive.holder_.wait(holder);
      }
      exclusive.owner_ = std::this_thread::get_id();
    }
    ~Lock() {
      exclusive_.owner_ = std::thread::id();
      exclusive_.holder_ = 0;
      exclusive_.holder_.notify_one();
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Exclusive& exclusive_;
  };

 private:
  std::atomic<pid_t> holder_{0};  // the process of the running call
  std::atomic<std::thread::id> owner_;
};

struct PyNetwork {
  std::variant<Network<float>, Network<double>> network;
  Exclusive exclusive;

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

// The samples of each input.
template <class T>
std::vector<Samples> checked_samples(const Network<T>& network, const py::object& x) {
  const auto count = static_cast<std::size_t>(network.plan.inputs);
  std::vector<Samples> all;
  for (const py::object& one : several(x, count, "x")) {
    const Index columns = network.plan.columns(static_cast<Index>(all.size()));
    all.push_back(samples(one, columns));
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

// Calls work(poll) without the GIL, alone on the network; then raises what Python raised in it.
template <class F>
void run(PyNetwork& self, PythonCalls& python, const py::object& poll, F&& work) {
  const Poll polled = python.poll(poll);
  {
    const Released released;
    const Exclusive::Lock lock(self.exclusive);
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
