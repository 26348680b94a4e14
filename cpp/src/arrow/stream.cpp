#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "arrow/columns.hpp"

namespace tracetide {
namespace {

std::vector<arrow::ColumnType> types_of(const std::vector<ColumnInfo>& infos) {
  std::vector<arrow::ColumnType> types;
  types.reserve(infos.size());
  for (const ColumnInfo& info : infos) types.push_back(arrow::type_of(info));
  return types;
}

struct StreamState {
  Job job;
  std::string metadata;
  Stream stream;
  std::string error{};
};

StreamState& state_of(ArrowArrayStream* stream) noexcept {
  return *static_cast<StreamState*>(stream->private_data);
}

// Runs `make`; its exception becomes the stream's error.
template <class Make>
int guarded(ArrowArrayStream* stream, Make&& make) noexcept {
  try {
    make();
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const std::exception& error) {
    try {
      state_of(stream).error = error.what();
    } catch (const std::bad_alloc&) {
      return ENOMEM;
    }
    return EIO;
  }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) noexcept {
  return guarded(stream, [&] { export_schema(state_of(stream).job, out, state_of(stream).metadata); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) noexcept {
  return guarded(stream, [&] {
    std::shared_ptr<const Batch> batch = state_of(stream).stream.next_shared();
    if (batch) {
      export_batch(std::move(batch), out);
    } else {
      *out = ArrowArray{};  // the end
    }
  });
}

const char* get_last_error(ArrowArrayStream* stream) noexcept {
  const std::string& error = state_of(stream).error;
  return error.empty() ? nullptr : error.c_str();
}

void release_stream(ArrowArrayStream* stream) noexcept {
  delete &state_of(stream);
  stream->release = nullptr;
}

}  // namespace

void export_schema(const Job& job, ArrowSchema* out, std::string_view metadata) {
  arrow::export_schema(types_of(column_infos(job.profile().category(), job.optional_columns())), metadata,
                       out);
}

void export_batch(std::shared_ptr<const Batch> batch, ArrowArray* out) {
  const std::vector<ColumnInfo> infos = column_infos(batch->category(), batch->optional_columns());
  const std::vector<ColumnView> views = column_views(*batch);
  std::vector<arrow::ColumnData> columns;
  columns.reserve(infos.size());
  for (std::size_t i = 0; i < infos.size(); ++i)
    columns.push_back(arrow::data_of(infos[i], views[i], batch->size()));
  const auto rows = static_cast<std::int64_t>(batch->size());
  arrow::export_array(types_of(infos), columns, rows, std::move(batch), out);
}

void export_stream(const Job& job, StreamOptions options, ArrowArrayStream* out, std::string_view metadata) {
  auto state = std::unique_ptr<StreamState>(
      new StreamState{job, std::string(metadata), Stream(job, std::move(options))});
  *out = ArrowArrayStream{.get_schema = get_schema,
                          .get_next = get_next,
                          .get_last_error = get_last_error,
                          .release = release_stream,
                          .private_data = state.release()};
}

}  // namespace tracetide
