// Arrow data as PyCapsules: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
#include "tracetide/arrow.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

#include "arrays.hpp"
#include "arrow/columns.hpp"
#include "bindings.hpp"
#include "gil.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

// Releases an interface struct unless a consumer has moved it out.
struct Release {
  template <class T>
  void operator()(T* held) const noexcept {
    if (held->release != nullptr) held->release(held);
    delete held;
  }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

template <class T>
Owned<T> empty() {
  return Owned<T>(new T{});
}

// A capsule that owns an interface struct.
template <class T>
py::capsule capsule_of(Owned<T> made, const char* name) {
  PyObject* const capsule = PyCapsule_New(made.get(), name, [](PyObject* self) {
    Release{}(static_cast<T*>(PyCapsule_GetPointer(self, PyCapsule_GetName(self))));
  });
  if (capsule == nullptr) throw py::error_already_set();
  made.release();
  return py::reinterpret_steal<py::capsule>(capsule);
}

// Keeps Python objects alive; the last owner may be on any thread.
std::shared_ptr<const void> keep(py::object objects) {
  return {new py::object(std::move(objects)), [](const py::object* held) {
            if (is_ending()) return;
            const Acquired acquired;
            delete held;
          }};
}

struct Texts {
  Column<std::int32_t> offsets{};
  Column<char> bytes{};
};

// Of Python's texts, one after the other.
std::shared_ptr<const Texts> texts_of(const py::handle& array) {
  auto texts = std::make_shared<Texts>();
  texts->offsets.push_back(0);
  for (const py::handle text : array) {
    Py_ssize_t size = 0;
    const char* const bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (bytes == nullptr) throw py::error_already_set();
    const std::size_t begin = texts->bytes.size();
    if (begin + static_cast<std::size_t>(size) > 0x7FFFFFFF)
      throw std::length_error("a column of more than 2 GiB of text is not allowed as one Arrow array");
    texts->bytes.resize(begin + static_cast<std::size_t>(size));
    std::memcpy(texts->bytes.data() + begin, bytes, static_cast<std::size_t>(size));
    texts->offsets.push_back(static_cast<std::int32_t>(texts->bytes.size()));
  }
  return texts;
}

struct Table {
  std::vector<arrow::ColumnType> types{};
  std::vector<arrow::ColumnData> columns{};
  std::int64_t rows = 0;
  std::shared_ptr<const void> owner{};
  std::string metadata{};
};

template <class T>
std::span<const T> span_of(const py::array& array) {
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

template <class T>
py::array_t<T> array_of(const py::handle& values, const arrow::ColumnType& type) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(values))
    throw py::type_error("columns: '" + type.name + "' is not of arrays of its kind");
  return py::reinterpret_borrow<py::array_t<T>>(values);
}

// One column of some rows: an array, a pair of offsets and values, or an array of texts.
arrow::ColumnData column_of(const arrow::ColumnType& type, const py::object& values, std::int64_t rows,
                            std::vector<std::shared_ptr<const void>>& owners) {
  arrow::ColumnData data;
  const auto check_rows = [&](py::ssize_t found) {
    if (found == rows) return;
    throw std::invalid_argument("columns: '" + type.name + "' has " + std::to_string(found) + " values for " +
                                std::to_string(rows) + " rows");
  };
  if (type.format == "+l") {
    const auto pair = values.cast<py::tuple>();
    const auto offsets = array_of<std::int32_t>(pair[0], type);
    const auto items = array_of<std::uint32_t>(pair[1], type);
    check_rows(offsets.size() - 1);
    check_offsets(span_of<std::int32_t>(offsets), static_cast<std::size_t>(items.size()), type.name);
    data.offsets = offsets.data();
    data.values = items.data();
    data.items = data.offsets[offsets.size() - 1];
    return data;
  }
  if (type.format == "u") {
    const std::shared_ptr<const Texts> texts = texts_of(values);
    data.offsets = texts->offsets.data();
    data.values = texts->bytes.data();
    check_rows(static_cast<py::ssize_t>(texts->offsets.size()) - 1);
    owners.push_back(texts);
    return data;
  }
  const auto array = values.cast<py::array>();
  check_rows(array.size());
  data.values = array.data();
  if (type.nullable && type.format == "L") arrow::mark_missing(span_of<std::uint64_t>(array), data);
  if (type.nullable && type.format == "g") arrow::mark_missing(span_of<double>(array), data);
  return data;
}

// Columns as (name, format, nullable, values) of one length; arrays must be contiguous.
Table table_of(const py::list& columns, std::int64_t rows, const std::string& metadata) {
  Table table{.rows = rows, .metadata = metadata};
  std::vector<std::shared_ptr<const void>> owners;
  for (const py::handle entry : columns) {
    const auto column = entry.cast<py::tuple>();
    table.types.push_back(
        {column[0].cast<std::string>(), column[1].cast<std::string>(), column[2].cast<bool>()});
    table.columns.push_back(column_of(table.types.back(), column[3], rows, owners));
  }
  owners.push_back(keep(columns));
  table.owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(owners));
  return table;
}

py::tuple array_capsules(const py::list& columns, std::int64_t rows, const std::string& metadata) {
  const Table table = table_of(columns, rows, metadata);
  auto schema = empty<ArrowSchema>();
  arrow::export_schema(table.types, table.metadata, schema.get());
  auto array = empty<ArrowArray>();
  arrow::export_array(table.types, table.columns, table.rows, table.owner, array.get());
  return py::make_tuple(capsule_of(std::move(schema), "arrow_schema"),
                        capsule_of(std::move(array), "arrow_array"));
}

// A stream of one batch.
struct OneBatch {
  Table table{};
  bool taken = false;
};

// Runs `make`, which can fail for want of memory only; no exception may pass through C.
template <class Make>
int guarded(Make&& make) noexcept {
  try {
    make();
    return 0;
  } catch (...) {
    return ENOMEM;
  }
}

py::capsule table_stream(const py::list& columns, std::int64_t rows, const std::string& metadata) {
  auto held = std::make_unique<OneBatch>(OneBatch{.table = table_of(columns, rows, metadata)});
  auto stream = empty<ArrowArrayStream>();
  *stream = {
      .get_schema =
          [](ArrowArrayStream* self, ArrowSchema* out) noexcept {
            const Table& table = static_cast<OneBatch*>(self->private_data)->table;
            return guarded([&] { arrow::export_schema(table.types, table.metadata, out); });
          },
      .get_next =
          [](ArrowArrayStream* self, ArrowArray* out) noexcept {
            auto& batch = *static_cast<OneBatch*>(self->private_data);
            const Table& table = batch.table;
            return guarded([&] {
              if (batch.taken) {
                *out = ArrowArray{};
              } else {
                arrow::export_array(table.types, table.columns, table.rows, table.owner, out);
                batch.taken = true;
              }
            });
          },
      .get_last_error = [](ArrowArrayStream*) noexcept -> const char* { return "out of memory"; },
      .release =
          [](ArrowArrayStream* self) noexcept {
            delete static_cast<OneBatch*>(self->private_data);
            self->release = nullptr;
          },
      .private_data = held.release(),
  };
  return capsule_of(std::move(stream), "arrow_array_stream");
}

py::capsule job_stream(const Job& job, const std::string& metadata, unsigned threads, std::size_t batch_size,
                       std::uint64_t first_window, std::optional<std::uint64_t> last_window) {
  auto stream = empty<ArrowArrayStream>();
  const auto is_made = std::make_shared<bool>(false);
  const StreamOptions options{
      .threads = threads,
      .batch_size = batch_size,
      .first_window = first_window,
      .last_window = last_window,
      .poll = [made = signals(), taken = interrupts(), is_made] { *is_made ? taken() : made(); }};
  without_gil([&] { export_stream(job, options, stream.get(), metadata); });
  *is_made = true;
  return capsule_of(std::move(stream), "arrow_array_stream");
}

py::capsule job_schema(const Job& job, const std::string& metadata) {
  auto schema = empty<ArrowSchema>();
  export_schema(job, schema.get(), metadata);
  return capsule_of(std::move(schema), "arrow_schema");
}

}  // namespace

void register_arrow(py::module_& module) {
  module.def("arrow_array", &array_capsules, py::arg("columns"), py::arg("rows"), py::arg("metadata") = "");
  module.def("arrow_table_stream", &table_stream, py::arg("columns"), py::arg("rows"),
             py::arg("metadata") = "");
  module.def("arrow_job_stream", &job_stream, py::arg("job"), py::arg("metadata"), py::kw_only(),
             py::arg("threads") = 0, py::arg("batch_size") = 0, py::arg("first_window") = 0,
             py::arg("last_window") = py::none());
  module.def("arrow_job_schema", &job_schema, py::arg("job"), py::arg("metadata"));
}

}  // namespace tracetide::bindings
