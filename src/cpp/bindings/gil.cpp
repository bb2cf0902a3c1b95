#include "bindings/gil.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace fastopt::bindings {

namespace {

std::atomic<int> working{0};
std::atomic<std::thread::id> exiting_thread;  // none while the interpreter lives

// Counted first and looked at after, here and, the other way round, at the exit: one of the two sees the other.
void sleep_if_exiting() {
  if (exiting()) {
    --working;
    for (;;) {
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
}

// Long runs stop within a tenth of a second. What does not is left behind.
void wait_for_work() {
  exiting_thread = std::this_thread::get_id();
  const pybind11::gil_scoped_release release;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (working > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

bool exiting() {
  const std::thread::id thread = exiting_thread;
  return thread != std::thread::id() && thread != std::this_thread::get_id();
}

Released::Released() : state_(PyEval_SaveThread()) {
  ++working;
  sleep_if_exiting();
}

Released::~Released() {
  sleep_if_exiting();
  PyEval_RestoreThread(state_);
  --working;
}

void wait_at_exit() {
  pybind11::module_::import("atexit").attr("register")(pybind11::cpp_function(&wait_for_work));
}

}  // namespace fastopt::bindings
