#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <tuple>

#include "bindings/module.h"
#include "bindings/python_calls.h"
#include "runtime/allocations.h"
#include "runtime/cpu.h"
#include "runtime/team.h"

namespace fastopt::bindings {

namespace py = pybind11;

namespace {

// By the main thread, as soon as it comes back to Python, as of the line there that called the library.
void warn_of_shortage(int wanted, int started) {
  auto text = std::make_unique<std::string>(
      "the system lets " + std::to_string(started) + " of " + std::to_string(wanted) +
      " threads be started (see the limits of memory and of processes, ulimit -a); fastopt goes on with no more. "
      "set_num_threads tries again");
  const auto warn = [](void* given) {
    const std::unique_ptr<std::string> owned(static_cast<std::string*>(given));
    try {
      py::module_::import("fastopt.core.warn").attr("warn")(*owned, py::handle(PyExc_RuntimeWarning));
      return 0;
    } catch (py::error_already_set& error) {
      error.restore();
      return -1;
    }
  };
  if (Py_AddPendingCall(warn, text.get()) == 0) {
    std::ignore = text.release();  // it is the call's now
  }
}

}  // namespace

void add_runtime(py::module_& module) {
  report_shortage(&warn_of_shortage);
  module.def("allocations", &allocation_count);
  py::module_ runtime = module.def_submodule("runtime");
  runtime.def("isa", &current_isa);
  runtime.def("isas", &available_isas);
  runtime.def("set_isa", &use_isa, py::arg("name"));
  runtime.def("num_threads", &num_threads);
  runtime.def("set_num_threads", &set_num_threads, py::arg("count"));
  runtime.def("limit_threads", &limit_threads, py::arg("count"));
  py::class_<Interruption, std::shared_ptr<Interruption>>(runtime, "Interruption")
      .def(py::init([] { return std::make_shared<Interruption>(false); }))
      .def("set", [](Interruption& self) { self = true; })
      .def("__bool__", [](const Interruption& self) { return self.load(); })
      .def("heed", [](const std::shared_ptr<Interruption>& self) { interruption_here() = self; });
  runtime.def("thread_limits", [] {
    py::dict limits;
    for (const auto& [name, value] : thread_limits()) {
      limits[py::str(name)] = value;
    }
    return limits;
  });
  runtime.def("build_info", [] {
#if defined(__clang__)
    const std::string compiler = "Clang " __clang_version__;
#else
    const std::string compiler = "GCC " __VERSION__;
#endif
    return std::map<std::string, std::string>{
        {"version", FASTOPT_VERSION}, {"compiler", compiler}, {"openmp", openmp_version()}};
  });
}

}  // namespace fastopt::bindings
