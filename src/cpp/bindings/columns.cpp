// The columns of a table as columns of outputs.
#include "ops/columns.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/samples.h"

namespace fastopt::bindings {

namespace {

// A column with the attributes of `fastopt.data.columns.Part`.
template <class T>
TableColumn<T> column_of(const py::handle& part, py::array& outputs) {
  const Index rows = outputs.shape(0), width = outputs.shape(1);
  const auto number = [&](const char* name) { return part.attr(name).cast<double>(); };
  const auto output = [&](const char* name, Index least, Index count) -> T* {
    const auto at = part.attr(name).cast<Index>();
    if (at < least || at > width - count) {
      throw std::invalid_argument(std::string(name) + " " + std::to_string(at) + " is none of " +
                                  std::to_string(width) + " outputs");
    }
    return at < 0 ? nullptr : mutable_data<T>(outputs) + at;
  };
  const Samples x = samples(part.attr("x"), rows);
  const std::optional<py::array> knots = optional<double>(part.attr("knots"), "knots", {3, -1});
  const Index count = knots ? knots->shape(1) : 0;
  const double* const at = data<double>(knots);
  const auto categories = part.attr("categories").cast<Index>();
  return {.type = x.type,
          .x = x.data,
          .step = x.column_stride,
          .offset = number("offset"),
          .factor = number("factor"),
          .limit = number("limit"),
          .fill = number("fill"),
          .function = count ? Interpolation(at, at + count, at + 2 * count, count) : Interpolation(),
          .categories = categories,
          .y = output("output", 0, std::max<Index>(1, categories)),
          .missing = output("missing", -1, 1)};
}

bool encode(const std::vector<py::object>& parts, const py::object& out) {
  return by_dtype(out, "out", [&]<class T>(T) {
    py::array outputs = checked<T>(out, "out", {-1, -1}, Access::write);
    std::vector<TableColumn<T>> columns;
    columns.reserve(parts.size());
    for (const py::object& part : parts) {
      columns.push_back(column_of<T>(part, outputs));
    }
    const Index rows = outputs.shape(0), width = outputs.shape(1);
    const Released released;
    return ops::encode(columns, rows, width);
  });
}

}  // namespace

void add_columns(py::module_& module) {
  module.def("encode", &encode, py::arg("parts"), py::arg("out"));
}

}  // namespace fastopt::bindings
