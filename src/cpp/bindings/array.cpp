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

bool is_native(const py::dtype& dtype) {
  const char order = dtype.byteorder();
  return order == '=' || order == '|' || order == (std::endian::native == std::endian::little ? '<' : '>');
}

template <class T>
bool has_dtype(const py::handle& object) {
  static PyObject* const dtype = py::dtype::of<T>().release().ptr();
  return Py_TYPE(object.ptr()) == py::detail::npy_api::get().PyArray_Type_ &&
         py::detail::array_proxy(object.ptr())->descr == dtype;
}

template <class T>
bool fits(const py::handle& object, Access access) {
  using Api = py::detail::npy_api;
  constexpr int form = Api::NPY_ARRAY_C_CONTIGUOUS_ | Api::NPY_ARRAY_ALIGNED_;
  const int needed = access == Access::write ? form | Api::NPY_ARRAY_WRITEABLE_ : form;
  return has_dtype<T>(object) && (py::detail::array_proxy(object.ptr())->flags & needed) == needed;
}

template <class T>
py::array checked(const py::handle& object, std::string_view given_name, Access access) {
  if (fits<T>(object, access)) {
    return py::reinterpret_borrow<py::array>(object);
  }
  const std::string name(given_name);
  constexpr char kind = std::is_floating_point_v<T> ? 'f' : 'i';
  const std::string wanted = (kind == 'f' ? "float" : "int") + std::to_string(8 * sizeof(T));
  if (!py::isinstance<py::array>(object)) {
    raise(PyExc_TypeError, name + " must be a NumPy array of " + wanted + ", got " + describe(object));
  }
  if (py::hasattr(object, "mask") || py::hasattr(object, "unit") || py::hasattr(object, "units")) {
    raise(PyExc_TypeError, name + " is a " + describe(object) + ", whose mask or unit would be passed over");
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
py::array checked(const py::handle& object, std::string_view name, std::span<const Index> shape, Access access) {
  py::array array = checked<T>(object, name, access);
  const auto same = [](Index wanted, Index got) { return wanted < 0 || wanted == got; };
  if (!std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim(), same)) {
    raise(PyExc_ValueError, std::string(name) + " must have shape " + shape_text({shape.begin(), shape.end()}) +
                                ", got " + shape_text(shape_of(array)));
  }
  return array;
}

template bool has_dtype<float>(const py::handle&);
template bool has_dtype<double>(const py::handle&);
template bool fits<float>(const py::handle&, Access);
template bool fits<double>(const py::handle&, Access);
template bool fits<std::int32_t>(const py::handle&, Access);
template bool fits<std::int64_t>(const py::handle&, Access);
template py::array checked<float>(const py::handle&, std::string_view, Access);
template py::array checked<double>(const py::handle&, std::string_view, Access);
template py::array checked<std::int32_t>(const py::handle&, std::string_view, Access);
template py::array checked<std::int64_t>(const py::handle&, std::string_view, Access);
template py::array checked<float>(const py::handle&, std::string_view, std::span<const Index>, Access);
template py::array checked<double>(const py::handle&, std::string_view, std::span<const Index>, Access);
template py::array checked<std::int32_t>(const py::handle&, std::string_view, std::span<const Index>, Access);
template py::array checked<std::int64_t>(const py::handle&, std::string_view, std::span<const Index>, Access);

void check_no_overlap(const py::array& written, std::string_view name, const py::array& other,
                      std::string_view other_name, bool allow_same) {
  const auto begin = [](const py::array& a) { return reinterpret_cast<std::uintptr_t>(a.data()); };
  const auto end = [&](const py::array& a) { return begin(a) + static_cast<std::uintptr_t>(a.nbytes()); };
  if (allow_same && begin(written) == begin(other) && written.nbytes() == other.nbytes()) {
    return;
  }
  if (begin(written) < end(other) && begin(other) < end(written)) {
    raise(PyExc_ValueError,
          std::string(name) + " shares memory with " + std::string(other_name) + ": pass separate arrays");
  }
}

void check_apart(const py::array& out, std::initializer_list<Read> others) {
  for (const Read& other : others) {
    if (other.array) {
      check_no_overlap(out, "out", *other.array, other.name);
    }
  }
}

void check_all_separate(std::vector<Memory> arrays, const std::function<std::string(std::size_t)>& name) {
  std::ranges::sort(arrays, {}, &Memory::begin);
  const Memory* reach = nullptr;  // of those before, the one that ends last
  const Memory* written_reach = nullptr;
  for (const Memory& array : arrays) {
    if (array.begin == array.end) {
      continue;
    }
    const Memory* other = array.written ? reach : written_reach;
    if (other && array.begin < other->end) {
      throw std::invalid_argument(name(array.id) + " shares memory with " + name(other->id) + ": pass separate arrays");
    }
    if (!reach || array.end > reach->end) {
      reach = &array;
    }
    if (array.written && (!written_reach || array.end > written_reach->end)) {
      written_reach = &array;
    }
  }
}

}  // namespace fastopt::bindings
