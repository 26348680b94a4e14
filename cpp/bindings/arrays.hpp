// NumPy arrays over memory that C++ owns.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace tracetide::bindings {

/// Without py::array::forcecast: a cast that could change values, such as int64 to uint32, is refused.
template <typename T>
using Input = pybind11::array_t<T, pybind11::array::c_style>;

/// A read-only array over `values` that keeps `owner` alive.
template <typename T>
[[nodiscard]] pybind11::array_t<T> read_only_view(std::span<const T> values, pybind11::handle owner) {
  pybind11::array_t<T> array(static_cast<pybind11::ssize_t>(values.size()), values.data(), owner);
  pybind11::detail::array_proxy(array.ptr())->flags &= ~pybind11::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

/// The elements of a one-dimensional contiguous array.
template <typename T, int flags>
[[nodiscard]] std::span<const T> elements(const pybind11::array_t<T, flags>& array, const char* name) {
  if (array.ndim() != 1) {
    throw std::invalid_argument(std::string(name) + ": " + std::to_string(array.ndim()) +
                                " dimensions; 1 expected");
  }
  return {array.data(), static_cast<std::size_t>(array.size())};
}

/// Of a list or text column: that they point into its `values` values and never fall.
inline void check_offsets(std::span<const std::int32_t> offsets, std::size_t values,
                          const std::string& column) {
  std::int32_t last = 0;
  for (const std::int32_t offset : offsets) {
    if (offset < last)
      throw std::invalid_argument("columns: the offsets of '" + column + "' decrease, or are below 0");
    last = offset;
  }
  if (static_cast<std::size_t>(last) > values)
    throw std::invalid_argument("columns: the offsets of '" + column + "' go beyond its values");
}

}  // namespace tracetide::bindings
