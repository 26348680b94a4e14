// Batches, and all of a job as one.
#include "batch.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/access.hpp"
#include "bindings.hpp"
#include "engine/column_views.hpp"
#include "engine/columns.hpp"
#include "gil.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/stream.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

// A read-only array over a column; the batch lives as long as the array.
template <class T>
py::array view(const BatchHandle& handle, std::span<const T> values) {
  const py::capsule owner(new std::shared_ptr<const Batch>(handle.batch),
                          [](void* held) { delete static_cast<std::shared_ptr<const Batch>*>(held); });
  py::array_t<T> array(static_cast<py::ssize_t>(values.size()), values.data(), owner);
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

std::vector<std::string> column_names(const Batch& batch) {
  std::vector<std::string> names;
  for (ColumnInfo& info : column_infos(batch.category(), batch.optional_columns()))
    names.push_back(std::move(info.name));
  return names;
}

py::object column(const BatchHandle& handle, const std::string& name) {
  const std::optional<ColumnView> found = find_column(*handle.batch, name);
  if (!found) throw py::key_error(name);
  return std::visit(
      [&](const auto& column) -> py::object {
        using View = std::decay_t<decltype(column)>;
        if constexpr (std::is_same_v<View, ListView>) {
          return py::make_tuple(view(handle, column.offsets), view(handle, column.values));
        } else if constexpr (std::is_same_v<View, TextView>) {
          throw py::key_error(name);  // no column of a batch
        } else {
          return view(handle, column);
        }
      },
      *found);
}

// All rows of a stream, into `all`.
void append_all(const Job& job, const StreamOptions& options, Batch& all) {
  const bool whole =
      options.first_window == 0 && options.last_window.value_or(job.windows()) == job.windows();
  Stream stream(job, options);
  if (whole) reserve(Access::columns(all), job.profile().category(), job.count(options.poll).value_or(0));
  while (const Batch* batch = stream.next())
    append_rows(Access::columns(all), Access::columns(*batch), 0, batch->size());
}

BatchHandle collect(const Job& job, unsigned threads, const std::string& kernels, std::uint64_t first_window,
                    std::optional<std::uint64_t> last_window) {
  const auto all = std::make_shared<Batch>();
  Access::reset(*all, job.profile().category(), 0, job.optional_columns());
  without_gil([&] {
    append_all(
        job, StreamOptions{threads, 0, parse_kernel_level(kernels), first_window, last_window, 0, signals()},
        *all);
  });
  if (all->category() == Category::multimodal && all->size() == 0) {
    for (ListColumn* list : item_lists(Access::columns(*all))) list->offsets.assign(1, 0);
  }
  if (all->size() == 0) {
    if (all->has_hash_ids()) Access::columns(*all).hash_ids.offsets.assign(1, 0);
    for (ListColumn& bytes : Access::columns(*all).payload_bytes) bytes.offsets.assign(1, 0);
  }
  return {all};
}

}  // namespace

void register_batch(py::module_& module) {
  py::class_<BatchHandle>(module, "Batch")
      .def("__len__", [](const BatchHandle& handle) { return handle.batch->size(); })
      .def_property_readonly("first_request",
                             [](const BatchHandle& handle) { return handle.batch->first_request(); })
      .def_property_readonly(
          "category", [](const BatchHandle& handle) { return std::string(name(handle.batch->category())); })
      .def_property_readonly("names", [](const BatchHandle& handle) { return column_names(*handle.batch); })
      .def("column", &column, py::arg("name"));
  module.def("collect", &collect, py::arg("job"), py::kw_only(), py::arg("threads") = 0,
             py::arg("kernels") = "", py::arg("first_window") = 0, py::arg("last_window") = py::none());
}

}  // namespace tracetide::bindings
