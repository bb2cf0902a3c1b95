// Work without the global interpreter lock, and what becomes of it when the interpreter exits.
#pragma once

#include <pybind11/pybind11.h>

namespace fastopt::bindings {

// Releases the lock for the life of the object. Until Python 3.13 a daemon thread that asks for the lock of a
// finalizing interpreter is ended on the spot, which C++ turns into the end of the process. So the interpreter's exit
// waits for work to stop, and a thread that comes out of its work after that sleeps instead of going on; since 3.14
// Python does the same.
class Released {
 public:
  Released();
  ~Released();
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  PyThreadState* state_;
};

// Whether the interpreter exits and this thread is not the one that ends it: then work is to stop without calling
// Python.
bool exiting();

}  // namespace fastopt::bindings
