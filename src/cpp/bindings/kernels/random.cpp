// Random numbers as NumPy arrays.
#include "runtime/random.h"

#include "bindings/array.h"
#include "bindings/gil.h"
#include "bindings/module.h"

namespace fastopt::bindings {

namespace {

template <class T, class F>
py::array drawn(Index count, F&& draw) {
  if (count < 0) {
    throw std::invalid_argument("count must not be negative, got " + std::to_string(count));
  }
  py::array out = new_array<T>({count});
  T* to = mutable_data<T>(out);
  const Released released;
  draw(to);
  return out;
}

template <class F>
py::array drawn_real(const std::string& dtype, Index count, F&& draw) {
  if (dtype == "float32") {
    return drawn<float>(count, draw);
  }
  if (dtype == "float64") {
    return drawn<double>(count, draw);
  }
  throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

py::array philox(std::uint64_t seed, std::uint64_t stream, Index count) {
  return drawn<std::uint32_t>(count, [&](std::uint32_t* to) { random_words(seed, stream, count, to); });
}

py::array uniform(std::uint64_t seed, std::uint64_t stream, Index count, const std::string& dtype) {
  return drawn_real(dtype, count, [&](auto* to) { random_uniform(seed, stream, count, to); });
}

py::array normal(std::uint64_t seed, std::uint64_t stream, Index count, const std::string& dtype) {
  return drawn_real(dtype, count, [&](auto* to) { random_normal(seed, stream, count, to); });
}

py::array permutation(std::uint64_t seed, std::uint64_t stream, Index count) {
  return drawn<Index>(count, [&](Index* to) { random_permutation(seed, stream, count, to); });
}

}  // namespace

void add_random(py::module_& m) {
  m.def("philox", &philox, py::arg("seed"), py::arg("stream"), py::arg("count"));
  m.def("uniform", &uniform, py::arg("seed"), py::arg("stream"), py::arg("count"), py::arg("dtype") = "float32");
  m.def("normal", &normal, py::arg("seed"), py::arg("stream"), py::arg("count"), py::arg("dtype") = "float32");
  m.def("permutation", &permutation, py::arg("seed"), py::arg("stream"), py::arg("count"));
}

}  // namespace fastopt::bindings
