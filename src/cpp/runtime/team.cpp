// The only file that knows OpenMP.
#include "runtime/team.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "runtime/float_mode.h"
#include "runtime/scratch.h"

namespace fastopt {

namespace {

using Clock = std::chrono::steady_clock;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return std::max(1, CPU_COUNT(&set));
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// CPU quota of the control group, rounded up: version 2 first, then version 1.
std::optional<int> cgroup_quota() {
  const auto limit = [](double quota, double period) -> std::optional<int> {
    if (quota > 0 && period > 0) {
      return std::max(1, static_cast<int>(std::ceil(quota / period)));
    }
    return std::nullopt;
  };
  std::optional<int> least;
  const auto lower = [&](std::optional<int> value) {
    if (value && (!least || *value < *least)) {
      least = value;
    }
  };
  // The group's own folder and every one above it.
  std::ifstream membership("/proc/self/cgroup");
  for (std::string line; std::getline(membership, line);) {
    if (!line.starts_with("0::")) {
      continue;
    }
    for (std::string path = line.substr(3); !path.empty(); path.resize(path.find_last_of('/'))) {
      std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
      std::string quota;
      double period = 0;
      if (file >> quota >> period && quota != "max") {
        lower(limit(std::strtod(quota.c_str(), nullptr), period));
      }
      if (path == "/") {
        break;
      }
    }
  }
  for (const char* folder : {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    const std::string base = folder;
    std::ifstream v2(base + "/cpu.max");
    std::string text;
    double quota = 0, period = 0;
    if (v2 >> text >> period && text != "max") {
      lower(limit(std::strtod(text.c_str(), nullptr), period));
    }
    std::ifstream quota_file(base + "/cpu.cfs_quota_us"), period_file(base + "/cpu.cfs_period_us");
    if (quota_file >> quota && period_file >> period) {
      lower(limit(quota, period));
    }
  }
  return least;
}

std::optional<int> environment_count(const char* name) {
  const char* text = std::getenv(name);
  if (!text) {
    return std::nullopt;
  }
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  while (*end == ' ') {
    ++end;
  }
  const bool list = *end == ',' && std::string_view(name) == "OMP_NUM_THREADS";  // its first entry counts
  if (end == text || (*end && !list) || value < 1 || value > max_threads) {
    return std::nullopt;
  }
  return static_cast<int>(value);
}

std::atomic<int>& chosen_count() {
  static std::atomic<int> count = 0;
  return count;
}

thread_local int limit_here = max_threads;

std::atomic<unsigned> forks{0};

// libgomp's threads do not survive a fork, and a child that waits for them hangs: they are released first.
void release_threads() {
  omp_pause_resource_all(omp_pause_hard);
  ++forks;
}

// libgomp has a thread's handle from pthread_create, which with musl may tell it after the thread has looked:
// release_threads would wait for a thread that there is not. One that opens a team, be it of itself alone, asks for its
// handle.
void know_handle() {
#if !defined(__GLIBC__)
  thread_local bool known = false;
  if (!known) {
#pragma omp parallel num_threads(1)
    known = true;
  }
#endif
}

void prepare_for_fork() {
  static const int registered = pthread_atfork(release_threads, nullptr, nullptr);
  static_cast<void>(registered);
}

// The stack of OpenMP's threads in bytes; 0: that of the system.
std::size_t stack_size() {
  for (const char* const name : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
    if (const char* const text = std::getenv(name)) {
      char* unit = nullptr;
      const std::size_t value = std::strtoul(text, &unit, 10);
      unit += std::strspn(unit, " ");
      const std::string_view units = "bkmg";
      const std::size_t found = units.find(static_cast<char>(std::tolower(*unit)));
      return value << (10 * (*unit && found < units.size() ? found : 1));
    }
  }
  return 0;
}

// How many threads there can be beside each other, each with its stack and its scratch, of `wanted`, one of which is
// there.
int startable(int wanted) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (const std::size_t size = stack_size()) {
    pthread_attr_setstacksize(&attributes, size);
  }
  std::atomic<bool> end{false};
  const auto wait = [](void* of) -> void* {
    static_cast<std::atomic<bool>*>(of)->wait(false);
    return nullptr;
  };
  std::vector<pthread_t> others(static_cast<std::size_t>(wanted - 1));
  std::vector<std::unique_ptr<std::byte[]>> scratches(others.size());
  const auto allocated = [](std::unique_ptr<std::byte[]>& memory) {
    memory.reset(new (std::nothrow) std::byte[scratch_size]);
    return memory != nullptr;
  };
  std::size_t count = 0;
  while (count < others.size() && allocated(scratches[count]) &&
         pthread_create(&others[count], &attributes, wait, &end) == 0) {
    ++count;
  }
  end = true;
  end.notify_all();
  for (std::size_t i = 0; i < count; ++i) {
    pthread_join(others[i], nullptr);
  }
  pthread_attr_destroy(&attributes);
  return 1 + static_cast<int>(count);
}

std::atomic<int> most_startable{max_threads};
std::atomic<ThreadShortage> on_shortage{nullptr};

// OpenMP ends the process where it cannot start a thread. So it is tried before a team of this thread grows: it has one
// of its own.
int within_startable(int threads) {
  struct Tried {
    unsigned forks;
    int threads;
  };
  thread_local Tried tried{0, 1};
  threads = std::min(threads, most_startable.load(std::memory_order_relaxed));
  const unsigned now = forks.load(std::memory_order_relaxed);
  if (threads > (tried.forks == now ? tried.threads : 1)) {
    const int wanted = threads;
    threads = startable(wanted);
    tried = {now, threads};
    if (threads < wanted) {
      most_startable = threads;
      if (const ThreadShortage report = on_shortage) {
        report(wanted, threads);
      }
    }
  }
  return threads;
}

// Whether teams have had to wait for their threads more than sharing the work saves them. Then work is done by one
// thread for a while, before a team is tried again; the while doubles each time that the trial fails.
class Contention {
 public:
  static bool worse_than_alone(Clock::duration total, Clock::duration waited, int threads) {
    return waited * threads > total * (threads - 1);
  }

  bool alone() const { return Clock::now().time_since_epoch().count() < alone_until_.load(std::memory_order_relaxed); }

  void report(Clock::duration total, Clock::duration waited, int threads) {
    // Only tried: a process that forked in the middle of a report could wait for ever.
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) {
      return;
    }
    total_ += total;
    waited_ += waited;
    if (total_ < trial) {
      return;
    }
    if (worse_than_alone(total_, waited_, threads)) {
      alone_until_ = (Clock::now() + pause_).time_since_epoch().count();
      pause_ = std::min<Clock::duration>(2 * pause_, longest_pause);
    } else {
      pause_ = first_pause;
    }
    total_ = waited_ = {};
  }

  // Long enough for an unlucky slice of the scheduler (some 4 ms) not to decide alone.
  static constexpr auto trial = std::chrono::milliseconds(10);

 private:
  static constexpr auto first_pause = std::chrono::milliseconds(100), longest_pause = std::chrono::milliseconds(1600);
  std::mutex mutex_;
  std::atomic<Clock::rep> alone_until_{0};
  Clock::duration pause_{first_pause}, total_{}, waited_{};
};

Contention& contention() {
  static Contention instance;
  return instance;
}

}  // namespace

class Team::Barrier {
 public:
  explicit Barrier(int size) : size_(size), spins_(size <= affinity() ? 100 : 0) {}

  void wait(int rank) {
    const unsigned phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    // Spin, then let others run, at last sleep: a processor that sleeps takes long to wake, above all a virtual one.
    const auto arrive_within = [&](int tries, auto&& pass_time) {
      for (int i = 0; i < tries; ++i) {
        if (phase_.load(std::memory_order_acquire) != phase) {
          return true;
        }
        pass_time();
      }
      return false;
    };
    if (arrive_within(spins_, relax)) {
      return;
    }
    const auto start = Clock::now();
    if (!arrive_within(10 * spins_, relax) && !arrive_within(yields, sched_yield)) {
      phase_.wait(phase, std::memory_order_acquire);
    }
    if (rank == 0) {
      waited_ += Clock::now() - start;
    }
  }

  // Of rank 0.
  Clock::time_point start() const { return start_; }
  Clock::duration waited() const { return waited_; }

 private:
  static int affinity() {
    static const int count = affinity_count();
    return count;
  }

  static constexpr int yields = 2000;
  int size_, spins_;  // more threads than processors: spinning would hold back those that are waited for
  Clock::time_point start_{Clock::now()};
  Clock::duration waited_{};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};
};

void Team::barrier() const {
  if (size_ > 1) {
    barrier_->wait(rank_);
  }
}

bool Team::contended() const {
  if (size_ == 1 || chosen_count() > 0) {
    return false;
  }
  const auto total = Clock::now() - barrier_->start();
  return total > Contention::trial && Contention::worse_than_alone(total, barrier_->waited(), size_);
}

void run_team(int threads, bool flush, const std::function<void(const Team&)>& work) {
  const FloatMode callers = FloatMode::current(), mode = flush ? callers.flushing_denormals() : callers;
  if (threads > 1) {
    prepare_for_fork();
    threads = within_startable(threads);
  }
  if (threads <= 1) {
    const FloatMode::Scope scope(mode);
    work(Team(0, 1, nullptr));
    return;
  }
  const auto start = Clock::now();
  Clock::time_point done;  // when rank 0 was
  int size = 0;            // OpenMP may give fewer threads than are asked for
  std::optional<Team::Barrier> barrier;
#pragma omp parallel num_threads(threads)
  {
#pragma omp single
    barrier.emplace(size = omp_get_num_threads());
    const FloatMode::Scope scope(mode);
    know_handle();
    const int rank = omp_get_thread_num();
    work(Team(rank, size, &*barrier));
    if (rank == 0) {
      done = Clock::now();
    }
  }
  const auto end = Clock::now();
  if (size > 1) {
    contention().report(end - start, barrier->waited() + (end - done), size);
  }
}

int threads_for(double cost, Index shares) {
  const double worth = std::min(cost / operations_worth_a_thread, static_cast<double>(shares));
  if (worth < 2 || (chosen_count() == 0 && contention().alone())) {
    return 1;
  }
  return static_cast<int>(std::min<double>(worth, num_threads()));
}

void parallel_for(Index count, Index grain, double cost, const std::function<void(Range)>& work) {
  const int threads = threads_for(cost, (count + grain - 1) / grain);
  run_team(threads, false, [&](const Team& team) { work(team.split(count, grain)); });
}

int num_threads() {
  const int chosen = chosen_count();
  if (chosen > 0) {
    return std::min(chosen, limit_here);
  }
  static const int count = [] {
    int least = max_threads;
    for (const auto& [name, value] : thread_limits()) {
      if (value && !(name == "OMP_NUM_THREADS" && environment_count("FASTOPT_NUM_THREADS"))) {
        least = std::min(least, *value);
      }
    }
    return least;
  }();
  return std::min(count, limit_here);
}

void limit_threads(int count) {
  limit_here = count;
}

void set_num_threads(int count) {
  if (count < 1 || count > max_threads) {
    throw std::invalid_argument("the number of threads must be from 1 to " + std::to_string(max_threads) + ", got " +
                                std::to_string(count));
  }
  chosen_count() = count;
  most_startable = max_threads;
}

void report_shortage(ThreadShortage report) {
  on_shortage = report;
}

std::vector<std::pair<std::string, std::optional<int>>> thread_limits() {
  const int chosen = chosen_count();
  return {{"affinity", affinity_count()},
          {"cgroup", cgroup_quota()},
          {"FASTOPT_NUM_THREADS", environment_count("FASTOPT_NUM_THREADS")},
          {"OMP_NUM_THREADS", environment_count("OMP_NUM_THREADS")},
          {"set_num_threads", chosen > 0 ? std::optional(chosen) : std::nullopt}};
}

std::string openmp_version() {
  std::ostringstream text;
#if defined(__clang__)
  text << "LLVM libomp";
#else
  text << "GNU libgomp";
#endif
  text << " (OpenMP " << _OPENMP << ")";
  return text.str();
}

}  // namespace fastopt
