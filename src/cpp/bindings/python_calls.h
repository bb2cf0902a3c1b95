// Work without the GIL that calls Python now and then.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

#include "bindings/gil.h"
#include "runtime/watch.h"

namespace fastopt::bindings {

namespace py = pybind11;

// Set where the work of some threads is to end as by Ctrl-C, which Python tells its main thread alone.
using Interruption = std::atomic<bool>;

// The one that the calling thread heeds, if any.
inline std::shared_ptr<const Interruption>& interruption_here() {
  thread_local std::shared_ptr<const Interruption> heeded;
  return heeded;
}

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
      if (const auto& interruption = interruption_here(); interruption && *interruption) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
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

// f(watch) without the GIL; then raises what Python raised in it.
template <class F>
void run_watched(F&& f) {
  PythonCalls python;
  const Poll poll = python.poll(py::none());
  {
    const Released released;
    Watch watch(poll);
    f(watch);
  }
  python.rethrow();
}

}  // namespace fastopt::bindings
