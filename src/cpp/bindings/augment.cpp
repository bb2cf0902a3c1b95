// Images that are turned, distorted or changed at random.
#include "bindings/augment.h"

#include <pybind11/stl.h>

#include <array>
#include <cmath>
#include <memory>

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/samples.h"

namespace fastopt::bindings {

namespace {

ImageSize image_size(const std::array<Index, 3>& shape) {
  for (const Index size : shape) {
    if (size < 1) {
      throw std::invalid_argument("the sizes of an image must be at least 1, got " + std::to_string(size));
    }
  }
  return {shape[0], shape[1], shape[2]};
}

std::shared_ptr<PyAugmentation> make_augmentation(const std::string& dtype, const std::array<Index, 3>& shape,
                                                  double flip, Index crop, double rotation, double alpha, double sigma,
                                                  double noise) {
  constexpr Index most = Index{1} << 20;  // coordinates have 32 bits
  if (!(flip >= 0 && flip <= 1 && crop >= 0 && crop < most && rotation >= 0 && rotation <= 180 && alpha >= 0 &&
        alpha < most && sigma > 0 && sigma <= 256 && noise >= 0 && std::isfinite(noise))) {
    throw std::invalid_argument("a number of the augmentation is out of its range");
  }
  const Augmenting what{image_size(shape), flip, crop, rotation, alpha, sigma, noise};
  if (dtype == "float32") {
    return std::make_shared<PyAugmentation>(PyAugmentation{Augmentation<float>(what)});
  }
  return std::make_shared<PyAugmentation>(PyAugmentation{Augmentation<double>(what)});
}

py::array augmented(const PyAugmentation& self, const py::object& x, std::uint64_t seed, std::uint64_t epoch) {
  return std::visit(
      [&]<class T>(const Augmentation<T>& how) {
        const Samples s = samples(x, how.columns());
        py::array y = new_array<T>({s.rows, s.columns});
        const Gather<T> gather{.type = s.type,
                               .data = s.data,
                               .row_stride = s.row_stride,
                               .column_stride = s.column_stride,
                               .rows = s.rows,
                               .columns = s.columns,
                               .to = {mutable_data<T>(y), s.columns, nullptr}};
        const Released released;
        augment(how, gather, {seed, epoch, 0});
        return y;
      },
      self.augmentation);
}

// f(size, x, y, images) of images [n, height, width, channels].
template <class F>
py::array with_images(const py::object& x, F&& f) {
  return by_dtype(x, "x", [&]<class T>(T) {
    const py::array from = checked<T>(x, "x", {-1, -1, -1, -1});
    py::array to = new_array<T>(shape_of(from));
    const ImageSize size = image_size({from.shape(1), from.shape(2), from.shape(3)});
    f(size, data<T>(from), mutable_data<T>(to), from.shape(0));
    return to;
  });
}

py::array rotated(const py::object& x, double degrees) {
  return with_images(x, [&](ImageSize size, const auto* from, auto* to, Index images) {
    const Released released;
    rotate(size, from, to, images, degrees);
  });
}

py::array distorted(const py::object& x, const py::object& dy, const py::object& dx) {
  return with_images(x, [&]<class T>(ImageSize size, const T* from, T* to, Index images) {
    const py::array down = checked<T>(dy, "dy", {images, size.height, size.width});
    const py::array right = checked<T>(dx, "dx", {images, size.height, size.width});
    const T *below = data<T>(down), *beside = data<T>(right);
    const Released released;
    distort(size, from, to, images, below, beside);
  });
}

}  // namespace

void add_augment(py::module_& module) {
  py::class_<PyAugmentation, std::shared_ptr<PyAugmentation>>(module, "Augmentation")
      .def(py::init(&make_augmentation), py::arg("dtype"), py::arg("shape"), py::arg("flip"), py::arg("crop"),
           py::arg("rotation"), py::arg("alpha"), py::arg("sigma"), py::arg("noise"))
      .def("__call__", &augmented, py::arg("x"), py::arg("seed"), py::arg("epoch"));
  module.def("rotate", &rotated, py::arg("x"), py::arg("degrees"));
  module.def("distort", &distorted, py::arg("x"), py::arg("dy"), py::arg("dx"));
}

}  // namespace fastopt::bindings
