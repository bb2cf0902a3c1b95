#include "bindings/samples.h"

#include <algorithm>
#include <cmath>

namespace fastopt::bindings {

namespace {

template <class I>
bool in_order(const std::string& name, const py::array& starts, const py::array& columns, Index width) {
  const Index* const start = data<Index>(starts);
  const I* const column = data<I>(columns);
  bool ordered = true;
  for (Index i = 0; i + 1 < starts.size(); ++i) {
    const Index begin = start[i], end = start[i + 1];
    if (begin < 0 || end < begin || end > columns.size()) {
      throw std::invalid_argument(name + ".indptr[" + std::to_string(i + 1) + "] = " + std::to_string(end) +
                                  ", where row " + std::to_string(i) + " ends, is not in " + std::to_string(begin) +
                                  ".." + std::to_string(columns.size()));
    }
    for (Index e = begin; e < end; ++e) {
      if (column[e] < 0 || column[e] >= width) {
        throw std::invalid_argument(name + ".indices[" + std::to_string(e) + "] = " + std::to_string(column[e]) +
                                    ", in row " + std::to_string(i) + ", is no column from 0 to " +
                                    std::to_string(width - 1));
      }
      ordered = ordered && (e == begin || column[e - 1] <= column[e]);
    }
  }
  return ordered;
}

Samples sparse_samples(const py::handle& object, Index columns) {
  const py::array starts = checked<Index>(object.attr("starts"), "starts", {-1});
  const py::array entries = checked<std::int32_t>(object.attr("columns"), "columns", {-1});
  const py::object values = object.attr("values");
  if (object.attr("width").cast<Index>() != columns) {
    throw std::invalid_argument("x must have " + std::to_string(columns) + " columns");
  }
  return by_dtype(values, "values", [&]<class T>(T) {
    const py::array array = checked<T>(values, "values", {entries.size()});
    if (!in_order<std::int32_t>("x", starts, entries, columns)) {
      throw std::invalid_argument("x must have the entries of each row in the order of their columns");
    }
    return Samples{.type = sizeof(T) == 4 ? Type::f32 : Type::f64,
                   .data = array.data(),
                   .rows = starts.size() - 1,
                   .columns = columns,
                   .row_stride = 0,
                   .column_stride = 0,
                   .starts = data<Index>(starts),
                   .entry_columns = data<std::int32_t>(entries)};
  });
}

}  // namespace

bool in_order(const std::string& name, const py::object& starts, const py::object& columns, Index width) {
  const py::array rows = checked<Index>(starts, name + ".indptr", {-1});
  return fits<Index>(columns)
             ? in_order<Index>(name, rows, checked<Index>(columns, name + ".indices", {-1}), width)
             : in_order<std::int32_t>(name, rows, checked<std::int32_t>(columns, name + ".indices", {-1}), width);
}

Samples samples(const py::handle& object, Index columns) {
  if (!py::isinstance<py::array>(object)) {
    if (py::hasattr(object, "starts")) {
      return sparse_samples(object, columns);
    }
    raise(PyExc_TypeError, "x must be a NumPy array, got " + describe(object));
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  const py::dtype dtype = array.dtype();
  const auto type = [&]() -> Type {
    const auto size = dtype.itemsize();
    if (is_native(dtype)) {
      switch (dtype.kind()) {
        case 'b':
          return Type::boolean;
        case 'f':
          if (size == 4) return Type::f32;
          if (size == 8) return Type::f64;
          break;
        case 'i':
          return size == 1 ? Type::i8 : size == 2 ? Type::i16 : size == 4 ? Type::i32 : Type::i64;
        case 'u':
          return size == 1 ? Type::u8 : size == 2 ? Type::u16 : size == 4 ? Type::u32 : Type::u64;
        default:
          break;
      }
    }
    raise(PyExc_TypeError, "x must be float32, float64, an integer type or bool in native byte order, got " +
                               py::str(dtype).cast<std::string>());
  }();
  if (array.ndim() != 2 || array.shape(1) != columns) {
    raise(PyExc_ValueError, "x must have shape " + shape_text({-1, columns}) + ", got " + shape_text(shape_of(array)));
  }
  return {type, array.data(), array.shape(0), columns, array.strides(0), array.strides(1)};
}

void check_ids(const std::string& name, const py::object& x, const std::vector<Index>& counts) {
  const Index columns = std::ssize(counts);
  const Samples s = samples(x, columns);
  if (s.sparse()) {
    raise(PyExc_TypeError, name + " holds ids, which cannot be sparse: give " + name + ".toarray()");
  }
  std::vector<double> row(static_cast<std::size_t>(columns));
  for (Index i = 0; i < s.rows; ++i) {
    copy_rows<double>(s, {1, nullptr, i}, {0, 1}, {row.data(), columns}, nullptr);
    for (Index c = 0; c < columns; ++c) {
      const double id = row[static_cast<std::size_t>(c)];
      const Index count = counts[static_cast<std::size_t>(c)];
      if (!(id >= 0 && id < static_cast<double>(count)) || id != std::floor(id)) {
        throw std::invalid_argument(name + "[" + std::to_string(i) + ", " + std::to_string(c) +
                                    "] = " + py::str("{:.17g}").format(id).cast<std::string>() +
                                    " is no id from 0 to " + std::to_string(count - 1));
      }
    }
  }
}

std::vector<Index> row_numbers(const py::handle& object, const std::string& name, Index rows) {
  const py::array array = checked<Index>(object, name, {-1});
  std::vector<Index> numbers(data<Index>(array), data<Index>(array) + array.size());
  if (numbers.empty()) {
    throw std::invalid_argument(name + " must have at least one number of a sample");
  }
  const auto wrong = std::ranges::find_if(numbers, [&](Index i) { return i < 0 || i >= rows; });
  if (wrong != numbers.end()) {
    throw std::invalid_argument(name + "[" + std::to_string(wrong - numbers.begin()) + "] = " + std::to_string(*wrong) +
                                " is not in 0.." + std::to_string(rows - 1));
  }
  return numbers;
}

}  // namespace fastopt::bindings
