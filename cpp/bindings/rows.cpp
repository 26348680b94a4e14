// Rows in the formats of other tools, from arrays.
#include "rows.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "engine/column_table.hpp"
#include "guarded.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

constexpr const char* signed_name = "i64";  // whose bits are those of u64

ColumnKind parse_kind(const std::string& name) {
  for (std::size_t i = 0; i < column_kind_names.size(); ++i)
    if (name == column_kind_names[i]) return static_cast<ColumnKind>(i);
  throw std::invalid_argument("columns: the kind '" + name + "' is not known");
}

template <class T>
std::span<const T> span_of(const py::handle& object, std::size_t rows, const std::string& name) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(object))
    throw py::type_error("columns: '" + name + "' is not an array of its kind");
  const auto array = py::reinterpret_borrow<py::array_t<T, py::array::c_style>>(object);
  if (array.ndim() != 1 || static_cast<std::size_t>(array.size()) < rows)
    throw std::invalid_argument("columns: '" + name + "' has " + std::to_string(array.size()) +
                                " values for " + std::to_string(rows) + " rows");
  return {array.data(), static_cast<std::size_t>(array.size())};
}

// Offsets that lie within the values.
template <class T>
std::pair<std::span<const std::int32_t>, std::span<const T>> spans_of(const py::handle& object,
                                                                      std::size_t rows,
                                                                      const std::string& name) {
  const auto pair = py::cast<py::tuple>(object);
  const auto offsets = span_of<std::int32_t>(pair[0], rows + 1, name);
  const auto values = span_of<T>(pair[1], 0, name);
  check_offsets(offsets.first(rows + 1), values.size(), name);
  return {offsets, values};
}

ColumnView view_of(const py::handle& object, std::size_t rows, ColumnKind kind, const std::string& name) {
  switch (kind) {
    case ColumnKind::real:
      return span_of<double>(object, rows, name).first(rows);
    case ColumnKind::u16:
      return span_of<std::uint16_t>(object, rows, name).first(rows);
    case ColumnKind::u32:
      return span_of<std::uint32_t>(object, rows, name).first(rows);
    case ColumnKind::u64:
      return span_of<std::uint64_t>(object, rows, name).first(rows);
    case ColumnKind::list: {
      const auto [offsets, values] = spans_of<std::uint32_t>(object, rows, name);
      return ListView{offsets, values};
    }
    case ColumnKind::text: {
      const auto [offsets, bytes] = spans_of<std::uint8_t>(object, rows, name);
      return TextView{offsets, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
    }
  }
  throw std::logic_error("a kind of column that is not known");
}

struct ArrayWriter {
  std::vector<ColumnInfo> infos;
  std::unique_ptr<RowWriter> writer;
};

std::vector<ColumnInfo> infos_of(const std::vector<std::pair<std::string, std::string>>& columns) {
  std::vector<ColumnInfo> infos;
  infos.reserve(columns.size());
  for (const auto& [name, kind] : columns) {
    const bool is_signed = kind == signed_name;
    infos.push_back({name, is_signed ? ColumnKind::u64 : parse_kind(kind), is_signed});
  }
  return infos;
}

TextChunk write(ArrayWriter& self, std::size_t rows, const py::list& columns) {
  if (columns.size() != self.infos.size())
    throw std::invalid_argument("columns: there are " + std::to_string(columns.size()) + ", not " +
                                std::to_string(self.infos.size()));
  Rows given{.columns = {}, .size = rows};
  for (std::size_t i = 0; i < self.infos.size(); ++i)
    given.columns.push_back(view_of(columns[i], rows, self.infos[i].kind, self.infos[i].name));
  auto text = std::make_shared<Column<char>>();
  without_gil([&] { self.writer->append(given, self.writer->prepare(given), *text); });
  return {rows, std::move(text)};
}

TextChunk finish(ArrayWriter& self) {
  auto text = std::make_shared<Column<char>>();
  self.writer->finish(*text);
  return {0, std::move(text)};
}

}  // namespace

HashIds parse_hash_ids(const std::string& name) {
  if (name == "fill") return HashIds::fill;
  if (name == "leave") return HashIds::leave;
  throw std::invalid_argument("hash_ids: '" + name + "' is not allowed; it must be fill or leave");
}

std::unique_ptr<RowWriter> job_row_writer(const Job& job, const std::string& format,
                                          const std::string& hash_ids) {
  return std::make_unique<RowWriter>(parse_trace_format(format),
                                     column_infos(job.profile().category(), job.optional_columns()),
                                     row_options(job, parse_hash_ids(hash_ids)));
}

void register_rows(py::module_& module) {
  py::class_<TextChunk>(module, "TextChunk", py::buffer_protocol()).def_buffer([](const TextChunk& chunk) {
    return py::buffer_info(reinterpret_cast<const std::uint8_t*>(chunk.text->data()),
                           static_cast<py::ssize_t>(chunk.text->size()));
  });
  py::class_<Guarded<ArrayWriter>>(module, "RowWriter")
      .def(py::init([](const std::string& format,
                       const std::vector<std::pair<std::string, std::string>>& columns,
                       const std::string& hash_ids, std::uint32_t block_size) {
             ArrayWriter made{infos_of(columns), nullptr};
             RowOptions options{.hash_ids = parse_hash_ids(hash_ids), .block_size = block_size};
             made.writer = std::make_unique<RowWriter>(parse_trace_format(format), made.infos, options);
             return std::make_unique<Guarded<ArrayWriter>>(std::in_place, std::move(made));
           }),
           py::arg("format"), py::arg("columns"), py::kw_only(), py::arg("hash_ids") = "fill",
           py::arg("block_size") = 0)
      .def_property_readonly("header",
                             guarded(+[](ArrayWriter& self) { return py::bytes(self.writer->header()); }))
      .def_property_readonly("left_out", guarded(+[](ArrayWriter& self) { return self.writer->left_out(); }))
      .def_property_readonly("rows_without_tokens",
                             guarded(+[](ArrayWriter& self) { return self.writer->rows_without_tokens(); }))
      .def_property_readonly("split_turns",
                             guarded(+[](ArrayWriter& self) { return self.writer->split_turns(); }))
      .def("write", guarded(&write), py::arg("rows"), py::arg("columns"))
      .def("finish", guarded(&finish));
  module.def(
      "columns_of",
      [](const Job& job) {
        std::vector<std::pair<std::string, std::string>> columns;
        for (const ColumnInfo& info : column_infos(job.profile().category(), job.optional_columns()))
          columns.emplace_back(info.name, column_kind_names[static_cast<std::size_t>(info.kind)]);
        return columns;
      },
      py::arg("job"));
  module.def(
      "left_out",
      [](const Job& job, const std::string& format, const std::string& hash_ids) {
        return job_row_writer(job, format, hash_ids)->left_out();
      },
      py::arg("job"), py::kw_only(), py::arg("format"), py::arg("hash_ids") = "fill");
}

}  // namespace tracetide::bindings
