#include "bindings/array.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace fastopt::bindings {

std::string shape_text(const std::vector<Index>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i ? ", " : "") + (shape[i] < 0 ? std::string("any") : std::to_string(shape[i]));
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::vector<Index> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

std::string describe(const py::handle& object) {
  return py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>();
}

namespace {

bool is_native(const py::dtype& dtype) {
  const char order = dtype.byteorder();
  return order == '=' || order == '|' || order == (std::endian::native == std::endian::little ? '<' : '>');
}

}  // namespace

template <class T>
bool fits(const py::handle& object, Access access) {
  using Api = py::detail::npy_api;
  static PyObject* const dtype = py::dtype::of<T>().release().ptr();
  if (Py_TYPE(object.ptr()) != Api::get().PyArray_Type_) {
    return false;
  }
  constexpr int form = Api::NPY_ARRAY_C_CONTIGUOUS_ | Api::NPY_ARRAY_ALIGNED_;
  const int needed = access == Access::write ? form | Api::NPY_ARRAY_WRITEABLE_ : form;
  const auto* array = py::detail::array_proxy(object.ptr());
  return array->descr == dtype && (array->flags & needed) == needed;
}

template <class T>
py::array checked(const py::handle& object, const std::string& name, Access access) {
  if (fits<T>(object, access)) {
    return py::reinterpret_borrow<py::array>(object);
  }
  constexpr char kind = std::is_floating_point_v<T> ? 'f' : 'i';
  const std::string wanted = (kind == 'f' ? "float" : "int") + std::to_string(8 * sizeof(T));
  if (!py::isinstance<py::array>(object)) {
    raise(PyExc_TypeError, name + " must be a NumPy array of " + wanted + ", got " + describe(object));
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  const py::dtype dtype = array.dtype();
  if (dtype.kind() != kind || dtype.itemsize() != static_cast<py::ssize_t>(sizeof(T))) {
    raise(PyExc_TypeError, name + " must be " + wanted + ", got " + py::str(dtype).cast<std::string>());
  }
  if (!is_native(dtype)) {
    raise(PyExc_TypeError, name + " must be in native byte order, got " + py::str(dtype).cast<std::string>() +
                               "; use " + name + ".astype(" + name + ".dtype.newbyteorder('='))");
  }
  if (!(array.flags() & py::array::c_style)) {
    raise(PyExc_ValueError, name + " of shape " + shape_text(shape_of(array)) +
                                " must be C-contiguous; it is strided: use numpy.ascontiguousarray and copy back");
  }
  if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) != 0) {
    raise(PyExc_ValueError,
          name + " must be aligned to its " + std::to_string(alignof(T)) + "-byte elements: use " + name + ".copy()");
  }
  if (access == Access::write && !array.writeable()) {
    raise(PyExc_ValueError,
          name + " is read-only and would be written: pass a writable array, such as " + name + ".copy()");
  }
  return array;
}

template <class T>
py::array checked(const py::handle& object, const std::string& name, const std::vector<Index>& shape, Access access) {
  py::array array = checked<T>(object, name, access);
  const auto same = [](Index wanted, Index got) { return wanted < 0 || wanted == got; };
  if (!std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim(), same)) {
    raise(PyExc_ValueError, name + " must have shape " + shape_text(shape) + ", got " + shape_text(shape_of(array)));
  }
  return array;
}

template bool fits<float>(const py::handle&, Access);
template bool fits<double>(const py::handle&, Access);
template bool fits<std::int64_t>(const py::handle&, Access);
template py::array checked<float>(const py::handle&, const std::string&, Access);
template py::array checked<double>(const py::handle&, const std::string&, Access);
template py::array checked<std::int64_t>(const py::handle&, const std::string&, Access);
template py::array checked<float>(const py::handle&, const std::string&, const std::vector<Index>&, Access);
template py::array checked<double>(const py::handle&, const std::string&, const std::vector<Index>&, Access);
template py::array checked<std::int64_t>(const py::handle&, const std::string&, const std::vector<Index>&, Access);

void check_no_overlap(const py::array& written, const std::string& name, const py::array& other,
                      const std::string& other_name, bool allow_same) {
  const auto begin = [](const py::array& a) { return reinterpret_cast<std::uintptr_t>(a.data()); };
  const auto end = [&](const py::array& a) { return begin(a) + static_cast<std::uintptr_t>(a.nbytes()); };
  if (allow_same && begin(written) == begin(other) && written.nbytes() == other.nbytes()) {
    return;
  }
  if (begin(written) < end(other) && begin(other) < end(written)) {
    raise(PyExc_ValueError, name + " shares memory with " + other_name + ": pass separate arrays");
  }
}

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

}  // namespace fastopt::bindings
