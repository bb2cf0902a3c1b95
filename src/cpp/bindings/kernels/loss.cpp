// Losses and metrics on NumPy arrays.
#include "ops/loss.h"

#include <pybind11/stl.h>

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/target.h"
#include "ops/metric.h"

namespace fastopt::bindings {

namespace {

std::string target_name(TargetKind kind) {
  return std::string(target_names[static_cast<std::size_t>(kind)]);
}

// Of each loss the activation that it is computed together with, or None, and the kind of its targets.
py::dict all_losses() {
  py::dict all;
  for (const auto& loss : losses()) {
    const std::string activation(loss.activation);
    all[py::str(std::string(loss.name))] =
        py::make_tuple(activation.empty() ? py::object(py::none()) : py::str(activation), target_name(loss.target));
  }
  return all;
}

// The kind of targets of each metric.
std::map<std::string, std::string> all_metrics() {
  std::map<std::string, std::string> all;
  for (const auto& metric : metrics()) {
    all[std::string(metric.name)] = target_name(metric.target);
  }
  return all;
}

py::tuple loss(const std::string& name, const py::object& prediction, const py::object& target,
               const py::object& weight, double scale, const py::object& out,
               const std::map<std::string, double>& given_hyper) {
  const int which = find_loss(name);
  const bool labels = loss_kernel(which).labels();
  const LossHyper hyper = loss_hyper(which, given_hyper);
  return by_dtype(prediction, "prediction", [&]<class T>(T) -> py::tuple {
    const py::array p = checked<T>(prediction, "prediction", {-1, -1});
    const Index rows = p.shape(0), columns = p.shape(1);
    const py::array t = checked_target<T>(target, "target", labels, rows, columns);
    const auto w = optional<T>(weight, "weight", {rows});
    py::array gradient = output<T>(out, "out", {rows, columns});
    check_apart(gradient, {{p, "prediction"}, {t, "target"}, {w, "weight"}});
    py::array row_loss = new_array<T>({rows});
    const Loss<T> all{.rows = rows,
                      .columns = columns,
                      .prediction = {data<T>(p), columns},
                      .target = targets<T>(t, labels),
                      .weight = data<T>(w),
                      .hyper = hyper,
                      .scale = static_cast<T>(scale),
                      .gradient = {mutable_data<T>(gradient), columns},
                      .loss = mutable_data<T>(row_loss)};
    {
      const Released released;
      ops::loss_rows(which, all);
    }
    return py::make_tuple(row_loss, gradient);
  });
}

py::array metric(const std::string& name, const py::object& prediction, const py::object& target) {
  const MetricChoice choice = find_metric(name);
  const bool labels = metric_kernel(choice.metric).labels();
  return by_dtype(prediction, "prediction", [&]<class T>(T) {
    const py::array p = checked<T>(prediction, "prediction", {-1, -1});
    const Index rows = p.shape(0), columns = p.shape(1);
    const py::array t = checked_target<T>(target, "target", labels, rows, columns);
    py::array value = new_array<T>({rows});
    const Metric<T> all{.rows = rows,
                        .columns = columns,
                        .prediction = {data<T>(p), columns},
                        .target = targets<T>(t, labels),
                        .k = choice.k,
                        .value = mutable_data<T>(value)};
    const Released released;
    ops::metric_rows(choice.metric, all);
    return value;
  });
}

}  // namespace

void add_loss(py::module_& m) {
  const py::object none = py::none();
  m.def("losses", &all_losses);
  m.def("metrics", &all_metrics);
  m.def("loss", &loss, py::arg("name"), py::arg("prediction"), py::arg("target"), py::arg("weight") = none,
        py::arg("scale") = 1.0, py::arg("out") = none, py::arg("hyper") = std::map<std::string, double>());
  m.def("metric", &metric, py::arg("name"), py::arg("prediction"), py::arg("target"));
}

}  // namespace fastopt::bindings
