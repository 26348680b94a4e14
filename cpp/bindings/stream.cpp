// Streams of batches and of formatted text, as Python iterators.
#include "tracetide/stream.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "bindings.hpp"
#include "engine/column_views.hpp"
#include "engine/columns.hpp"
#include "engine/pipeline.hpp"
#include "guarded.hpp"
#include "rows.hpp"
#include "writers/text.hpp"
#include "writers/text_stream.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

struct BatchHandle {
  std::shared_ptr<const Batch> batch;
};

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

BatchHandle next_batch(Stream& stream) {
  std::shared_ptr<const Batch> batch = without_gil([&] { return stream.next_shared(); });
  if (!batch) throw py::stop_iteration();
  return {std::move(batch)};
}

std::unique_ptr<Guarded<Stream>> make_stream(const Job& job, unsigned threads, std::size_t batch_size,
                                             const std::string& kernels, std::uint64_t first_window,
                                             std::optional<std::uint64_t> last_window,
                                             std::uint64_t first_request) {
  return without_gil([&] {
    return std::make_unique<Guarded<Stream>>(
        std::in_place, job,
        StreamOptions{threads, batch_size, kernels, first_window, last_window, first_request, signals()});
  });
}

// All rows of a stream, into `all`.
void append_all(const Job& job, const StreamOptions& options, Batch& all) {
  const bool whole =
      options.first_window == 0 && options.last_window.value_or(job.windows()) == job.windows();
  Stream stream(job, options);
  if (whole) reserve(all.columns(), job.profile().category(), job.count(options.poll).value_or(0));
  while (const Batch* batch = stream.next()) append_rows(all.columns(), batch->columns(), 0, batch->size());
}

BatchHandle collect(const Job& job, unsigned threads, const std::string& kernels, std::uint64_t first_window,
                    std::optional<std::uint64_t> last_window) {
  const auto all = std::make_shared<Batch>();
  all->reset(job.profile().category(), 0, job.optional_columns());
  without_gil([&] {
    append_all(job, StreamOptions{threads, 0, kernels, first_window, last_window, 0, signals()}, *all);
  });
  if (all->category() == Category::multimodal && all->size() == 0) {
    for (ListColumn* list :
         {&all->columns().image_tokens, &all->columns().audio_tokens, &all->columns().video_tokens}) {
      list->offsets.assign(1, 0);
    }
  }
  if (all->size() == 0) {
    if (all->has_hash_ids()) all->columns().hash_ids.offsets.assign(1, 0);
    for (ListColumn& bytes : all->columns().payload_bytes) bytes.offsets.assign(1, 0);
  }
  return {all};
}

std::optional<TextFormat> native_format(const std::string& format) {
  if (format == "csv") return TextFormat::csv;
  if (format == "jsonl") return TextFormat::jsonl;
  return std::nullopt;
}

std::unique_ptr<Guarded<TextStream>> make_text_stream(const Job& job, const std::string& format,
                                                      const std::string& hash_ids, unsigned threads,
                                                      const std::string& kernels, std::uint64_t first_window,
                                                      std::optional<std::uint64_t> last_window) {
  const Kernels& level = kernels_for(kernels);
  const WindowRange range{first_window, last_window.value_or(job.windows())};
  const auto native = native_format(format);
  if (!native && (range.first != 0 || range.last != job.windows()))
    throw std::invalid_argument(
        "format: " + format + " is not allowed for some windows; what it writes may depend on those before");
  return without_gil([&] {
    if (native)
      return std::make_unique<Guarded<TextStream>>(std::in_place, job, *native, threads, level, range,
                                                   signals());
    return std::make_unique<Guarded<TextStream>>(std::in_place, job, parse_trace_format(format),
                                                 parse_hash_ids(hash_ids), threads, level, signals());
  });
}

std::string header_of(const Job& job, const std::string& format, const std::string& hash_ids) {
  if (const auto native = native_format(format)) return text_header(job, *native);
  return job_row_writer(job, format, hash_ids)->header();
}

py::tuple next_text(TextStream& stream) {
  std::optional<TextRows> made = without_gil([&] { return stream.next(); });
  if (!made) throw py::stop_iteration();
  const py::object chunk = py::cast(TextChunk{std::move(made->text)});
  return py::make_tuple(made->rows, py::memoryview(chunk));
}

}  // namespace

void register_stream(py::module_& module) {
  py::class_<BatchHandle>(module, "Batch")
      .def("__len__", [](const BatchHandle& handle) { return handle.batch->size(); })
      .def_property_readonly("first_request",
                             [](const BatchHandle& handle) { return handle.batch->first_request(); })
      .def_property_readonly(
          "category", [](const BatchHandle& handle) { return std::string(name(handle.batch->category())); })
      .def_property_readonly("names", [](const BatchHandle& handle) { return column_names(*handle.batch); })
      .def("column", &column, py::arg("name"));

  const auto itself = [](const py::object& stream) { return stream; };
  py::class_<Guarded<Stream>>(module, "Stream")
      .def(py::init(&make_stream), py::arg("job"), py::kw_only(), py::arg("threads") = 0,
           py::arg("batch_size") = 0, py::arg("kernels") = "", py::arg("first_window") = 0,
           py::arg("last_window") = py::none(), py::arg("first_request") = 0)
      .def("__iter__", itself)
      .def("__next__", guarded(&next_batch));
  py::class_<Guarded<TextStream>>(module, "TextStream")
      .def(py::init(&make_text_stream), py::arg("job"), py::kw_only(), py::arg("format"),
           py::arg("hash_ids") = "fill", py::arg("threads") = 0, py::arg("kernels") = "",
           py::arg("first_window") = 0, py::arg("last_window") = py::none())
      .def_property_readonly("rows_without_tokens",
                             guarded(+[](TextStream& stream) { return stream.rows_without_tokens(); }))
      .def("__iter__", itself)
      .def("__next__", guarded(&next_text));

  module.def(
      "text_header",
      [](const Job& job, const std::string& format, const std::string& hash_ids) {
        return py::bytes(header_of(job, format, hash_ids));
      },
      py::arg("job"), py::arg("format"), py::arg("hash_ids") = "fill");
  module.def("collect", &collect, py::arg("job"), py::kw_only(), py::arg("threads") = 0,
             py::arg("kernels") = "", py::arg("first_window") = 0, py::arg("last_window") = py::none());
  module.def("kernel_levels", &kernel_levels);
}

}  // namespace tracetide::bindings
