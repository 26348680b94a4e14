// Jobs as text.
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings.hpp"
#include "guarded.hpp"
#include "kernels/kernels.hpp"
#include "rows.hpp"
#include "tracetide/writers.hpp"
#include "writers/text_stream.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

std::unique_ptr<Guarded<TextWriter>> make_text_stream(const Job& job, const std::string& format,
                                                      const std::string& hash_ids, unsigned threads,
                                                      const std::string& kernels, std::uint64_t first_window,
                                                      std::optional<std::uint64_t> last_window) {
  TextOptions options{
      parse_hash_ids(hash_ids), threads, parse_kernel_level(kernels), first_window, last_window, signals()};
  return without_gil(
      [&] { return std::make_unique<Guarded<TextWriter>>(std::in_place, job, format, std::move(options)); });
}

std::string header_of(const Job& job, const std::string& format, const std::string& hash_ids) {
  if (const auto native = native_format(format)) return text_header(job, *native);
  return job_row_writer(job, format, hash_ids)->header();
}

py::tuple next_text(TextWriter& writer) {
  std::optional<TextChunk> made = without_gil([&] { return writer.next(); });
  if (!made) throw py::stop_iteration();
  const std::uint64_t rows = made->rows;
  return py::make_tuple(rows, py::memoryview(py::cast(std::move(*made))));
}

}  // namespace

void register_text(py::module_& module) {
  py::class_<Guarded<TextWriter>>(module, "TextStream")
      .def(py::init(&make_text_stream), py::arg("job"), py::kw_only(), py::arg("format"),
           py::arg("hash_ids") = "fill", py::arg("threads") = 0, py::arg("kernels") = "",
           py::arg("first_window") = 0, py::arg("last_window") = py::none())
      .def_property_readonly("rows_without_tokens",
                             guarded(+[](TextWriter& writer) { return writer.rows_without_tokens(); }))
      .def_property_readonly("split_turns", guarded(+[](TextWriter& writer) { return writer.split_turns(); }))
      .def("__iter__", [](const py::object& writer) { return writer; })
      .def("__next__", guarded(&next_text));

  module.def(
      "text_header",
      [](const Job& job, const std::string& format, const std::string& hash_ids) {
        return py::bytes(header_of(job, format, hash_ids));
      },
      py::arg("job"), py::arg("format"), py::arg("hash_ids") = "fill");
}

}  // namespace tracetide::bindings
