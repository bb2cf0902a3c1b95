#include "bindings/gil.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace fastopt::bindings {

namespace {

std::atomic<int> working{0};
thread_local int working_here = 0;  // of them those of this thread: all that a child of it has
std::atomic<bool> registered{false};
std::atomic<std::thread::id> exiting_thread;  // none while the interpreter lives

// Counted first and looked at after, here and, the other way round, at the exit: one of the two sees the other.
void sleep_if_exiting() {
  if (exiting()) {
    --working;
    --working_here;
    for (;;) {
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
}

// Long runs stop within a tenth of a second. What does not is left behind.
void wait_for_work() {
  if (pybind11::module_::import("threading").attr("main_thread")().attr("is_alive")().cast<bool>()) {
    registered = false;  // this is not the exit: somebody calls what is to be done at it
    return;
  }
  exiting_thread = std::this_thread::get_id();
  const pybind11::gil_scoped_release release;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (working > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void wait_at_exit() {
  static const int in_children = pthread_atfork(nullptr, nullptr, [] { working = working_here; });
  static_cast<void>(in_children);
  pybind11::module_::import("threading");
  pybind11::module_::import("atexit").attr("register")(pybind11::cpp_function(&wait_for_work));
}

}  // namespace

bool exiting() {
  const std::thread::id thread = exiting_thread;
  return thread != std::thread::id() && thread != std::this_thread::get_id();
}

Released::Released() {
  if (!registered && !registered.exchange(true)) {
    wait_at_exit();
  }
  state_ = PyEval_SaveThread();
  ++working;
  ++working_here;
  sleep_if_exiting();
}

Released::~Released() {
  sleep_if_exiting();
  PyEval_RestoreThread(state_);
  --working;
  --working_here;
}

}  // namespace fastopt::bindings
