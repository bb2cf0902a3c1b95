// Checks of the arrays that cross the boundary. Nothing is copied silently.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace fastopt::bindings {

namespace py = pybind11;

[[noreturn]] inline void raise(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  throw py::error_already_set();
}

template <class T>
constexpr const char* dtype_name = sizeof(T) == 4 ? "float32" : "float64";

std::string shape_text(const std::vector<Index>& shape);
std::vector<Index> shape_of(const py::array& array);
std::string describe(const py::handle& object);
bool is_native(const py::dtype& dtype);  // in byte order

enum class Access : std::uint8_t { read, write };

// Whether it is an array, and no subclass of one, of NumPy's own dtype of T.
template <class T>
bool has_dtype(const py::handle& object);

// Whether it is such an array that `checked` takes: seen without the cost of its messages.
template <class T>
bool fits(const py::handle& object, Access access = Access::read);

// An aligned, native, C-contiguous array of the dtype of T; writable if it is to be written. A dimension of -1 takes
// any size.
template <class T>
py::array checked(const py::handle& object, std::string_view name, std::span<const Index> shape,
                  Access access = Access::read);
template <class T>
py::array checked(const py::handle& object, std::string_view name, std::initializer_list<Index> shape,
                  Access access = Access::read) {
  return checked<T>(object, name, std::span(shape.begin(), shape.size()), access);
}

// As above with any number of dimensions.
template <class T>
py::array checked(const py::handle& object, std::string_view name, Access access = Access::read);

// As above, or none.
template <class T, class Shape = std::initializer_list<Index>>
std::optional<py::array> optional(const py::object& object, std::string_view name, const Shape& shape) {
  return object.is_none() ? std::nullopt : std::optional(checked<T>(object, name, shape));
}

// Throws where the written array overlaps a read one, unless it is exactly the same array and that is allowed.
void check_no_overlap(const py::array& written, std::string_view name, const py::array& other,
                      std::string_view other_name, bool allow_same = false);

// An array that is read, if it is given, and its name.
struct Read {
  Read(const py::array& given, const char* its_name) : array(&given), name(its_name) {}
  Read(const std::optional<py::array>& given, const char* its_name)
      : array(given ? &*given : nullptr), name(its_name) {}

  const py::array* array;
  const char* name;
};

// Throws where `out` overlaps one of the others.
void check_apart(const py::array& out, std::initializer_list<Read> others);

// Memory of an array that a call reads or writes.
struct Memory {
  std::uintptr_t begin, end;
  bool written;
  std::size_t id;
};

// No written array may share memory with another, written or read; `name` tells which is which.
void check_all_separate(std::vector<Memory> arrays, const std::function<std::string(std::size_t)>& name);

template <class T>
py::array new_array(std::span<const Index> shape) {
  return py::array_t<T>(std::vector<py::ssize_t>(shape.begin(), shape.end()));
}

template <class T>
py::array new_array(std::initializer_list<Index> shape) {
  return new_array<T>(std::span(shape.begin(), shape.size()));
}

// `out` checked, or a new array where it is None.
template <class T, class Shape = std::initializer_list<Index>>
py::array output(const py::object& out, std::string_view name, const Shape& shape) {
  return out.is_none() ? new_array<T>(shape) : checked<T>(out, name, shape, Access::write);
}

template <class T>
const T* data(const py::array& array) {
  return static_cast<const T*>(array.data());
}

template <class T>
const T* data(const std::optional<py::array>& array) {
  return array ? data<T>(*array) : nullptr;
}

template <class T>
T* mutable_data(py::array& array) {
  return static_cast<T*>(array.mutable_data());
}

// Calls f(float{}) or f(double{}) by the dtype of a floating-point array.
template <class F>
auto by_dtype(const py::handle& object, std::string_view given_name, F&& f) {
  if (has_dtype<float>(object)) {
    return f(float{});
  }
  if (has_dtype<double>(object)) {
    return f(double{});
  }
  const std::string name(given_name);
  if (!py::isinstance<py::array>(object)) {
    raise(PyExc_TypeError, name + " must be a NumPy array of float32 or float64, got " + describe(object));
  }
  const py::dtype dtype = py::reinterpret_borrow<py::array>(object).dtype();
  if (dtype.kind() == 'f' && dtype.itemsize() == 4) {
    return f(float{});
  }
  if (dtype.kind() == 'f' && dtype.itemsize() == 8) {
    return f(double{});
  }
  raise(PyExc_TypeError, name + " must be float32 or float64, got " + py::str(dtype).cast<std::string>());
}

}  // namespace fastopt::bindings
