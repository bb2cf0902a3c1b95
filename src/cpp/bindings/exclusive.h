// One call at a time works on a model or an optimizer.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <stdexcept>
#include <string>
#include <thread>

namespace fastopt::bindings {

// The number of this process, asked for once and again in each child.
inline pid_t this_process() {
  static std::atomic<pid_t> process{getpid()};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { process = getpid(); });
  static_cast<void>(registered);
  return process;
}

// A call from within a running one (from its poll) is refused instead of waiting for itself; so is one in a process
// that was forked during a call, which would wait for a thread that it does not have.
class Exclusive {
 public:
  explicit Exclusive(const char* what) : what_(what) {}

  class Lock {
   public:
    // Calls blocked() while another thread has it: to wait, or to throw.
    template <class F>
    Lock(Exclusive& exclusive, F&& blocked) : exclusive_(exclusive) {
      while (!exclusive.take()) {
        blocked();
      }
    }
    ~Lock() { exclusive_.release(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Exclusive& exclusive_;
  };

  // Until it is free; false after a twentieth of a second.
  bool wait() {
    const pid_t holder = holder_;
    if (holder == 0) {
      return true;
    }
    const timespec twentieth{.tv_sec = 0, .tv_nsec = 50'000'000};
    ++waiting_;
    const long result = syscall(SYS_futex, &holder_, FUTEX_WAIT_PRIVATE, holder, &twentieth, nullptr, 0);
    --waiting_;
    return result == 0;
  }

 private:
  bool take() {
    const pid_t process = this_process();
    pid_t holder = 0;
    if (holder_.compare_exchange_strong(holder, process)) {
      owner_ = std::this_thread::get_id();
      return true;
    }
    if (holder != process) {
      throw std::runtime_error("this process was forked while a call worked on this " + what_ +
                               ", which never ends here: make or load another");
    }
    if (owner_.load() == std::this_thread::get_id()) {
      throw std::runtime_error("this " + what_ + " is busy: it was called from within its own training or prediction");
    }
    return false;
  }

  void release() {
    owner_ = std::thread::id();
    holder_ = 0;
    if (waiting_ > 0) {
      syscall(SYS_futex, &holder_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
  }

  std::string what_;
  std::atomic<pid_t> holder_{0};  // the process of the running call
  std::atomic<int> waiting_{0};
  std::atomic<std::thread::id> owner_;
  static_assert(sizeof(std::atomic<pid_t>) == 4);  // as futexes are
};

}  // namespace fastopt::bindings
