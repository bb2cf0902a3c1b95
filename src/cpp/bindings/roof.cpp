// What the machine can do at most: the measures that kernels are compared with.
// In this module, for they need what it has: each instruction set's compiler flags, the choice of one, the team.
#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "core/buffer.h"
#include "kernels/peak/args.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::bindings {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The best rate (work per second) of runs repeated for about `seconds`, at least some: the first ones find caches cold
// and threads asleep. `work` is what one run does.
template <class F>
double best_rate(double seconds, F&& run) {
  constexpr int least_runs = 5;
  double best = 0;
  const auto start = Clock::now();
  for (int i = 0; i < least_runs || seconds_since(start) < seconds; ++i) {
    const auto before = Clock::now();
    const double work = run();
    best = std::max(best, work / seconds_since(before));
  }
  return best;
}

void check_threads(int threads) {
  if (threads < 1 || threads > max_threads) {
    throw std::invalid_argument("threads must be from 1 to " + std::to_string(max_threads) + ", got " +
                                std::to_string(threads));
  }
}

template <class T>
double fma_peak(int threads, double seconds) {
  check_threads(threads);
  constexpr Index rounds = 20000;
  return best_rate(seconds, [&] {
    std::vector<double> operations(static_cast<std::size_t>(threads));
    run_team(threads, false, [&](const Team& team) {
      operations[static_cast<std::size_t>(team.rank())] = kernel_table().peak.fma<T>()(rounds);
    });
    double total = 0;
    for (const double o : operations) {
      total += o;
    }
    return total;
  });
}

double stream(int reads, int writes, Index count, int threads, double seconds) {
  check_threads(threads);
  if (reads < 1 || reads > max_streams || writes < 0 || writes > reads || count < 1) {
    throw std::invalid_argument("stream needs 1 to " + std::to_string(max_streams) +
                                " reads, 0 to as many writes, and a count of at least 1");
  }
  const auto kernel = kernel_table().peak.stream(reads, writes);
  std::vector<Buffer<float>> buffers;
  buffers.reserve(static_cast<std::size_t>(reads));
  for (int i = 0; i < reads; ++i) {
    buffers.emplace_back(count);
  }
  // Pages that nothing was written to are all one page of zeros, which is in cache.
  run_team(threads, false, [&](const Team& team) {
    const Range share = team.split(count, 1024);
    for (Buffer<float>& buffer : buffers) {
      std::fill_n(buffer.data() + share.begin, share.size(), 1.0F);
    }
  });
  // Small arrays are swept several times, so that the team's start does not count.
  const Index sweeps = std::max<Index>(1, (Index{1} << 20) / std::max<Index>(count, 1));
  return best_rate(seconds, [&] {
    run_team(threads, false, [&](const Team& team) {
      const Range share = team.split(count, 1024);
      float* arrays[max_streams] = {};
      for (std::size_t i = 0; i < buffers.size(); ++i) {
        arrays[i] = buffers[i].data() + share.begin;
      }
      for (Index s = 0; s < sweeps; ++s) {
        kernel(arrays, share.size());
      }
    });
    return static_cast<double>(sweeps * count) * (reads + writes) * sizeof(float);
  });
}

double team_cost(int threads, double seconds) {
  check_threads(threads);
  constexpr int runs = 100;
  return 1 / best_rate(seconds, [&] {
           for (int i = 0; i < runs; ++i) {
             run_team(threads, false, [](const Team&) {});
           }
           return static_cast<double>(runs);
         });
}

}  // namespace

void add_roof(py::module_& module) {
  py::module_ roof = module.def_submodule("roof");
  roof.def(
      "fma_peak",
      [](const std::string& dtype, int threads, double seconds) {
        if (dtype != "float32" && dtype != "float64") {
          throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
        }
        const Released released;
        return dtype == "float32" ? fma_peak<float>(threads, seconds) : fma_peak<double>(threads, seconds);
      },
      py::arg("dtype") = "float32", py::arg("threads") = 1, py::arg("seconds") = 0.05);
  roof.def("stream", &stream, py::arg("reads"), py::arg("writes"), py::arg("count"), py::arg("threads") = 1,
           py::arg("seconds") = 0.05, py::call_guard<Released>());
  roof.def("team_cost", &team_cost, py::arg("threads"), py::arg("seconds") = 0.05, py::call_guard<Released>());
}

}  // namespace fastopt::bindings
