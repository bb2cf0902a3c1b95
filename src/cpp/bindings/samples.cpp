#include "bindings/samples.h"

#include <algorithm>

namespace fastopt::bindings {

Samples samples(const py::handle& object, Index columns) {
  if (!py::isinstance<py::array>(object)) {
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
