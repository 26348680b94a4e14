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
  const char* message = nullptr;  // of the last call; null after one that did well
};

StreamState& state_of(ArrowArrayStream* stream) noexcept {
  return *static_cast<StreamState*>(stream->private_data);
}

// To say that there is no memory must need none.
int out_of_memory(StreamState& state) noexcept {
  state.message = "out of memory";
  return ENOMEM;
}

int failed(StreamState& state, const char* what) noexcept {
  try {
    state.error = what;
  } catch (const std::bad_alloc&) {
    return out_of_memory(state);
  }
  state.message = state.error.c_str();
  return EIO;
}

// Runs `make`; its exception becomes the stream's error, as none may pass through C.
template <class Make>
int guarded(ArrowArrayStream* stream, Make&& make) noexcept {
  StreamState& state = state_of(stream);
  try {
    make();
    state.message = nullptr;
    return 0;
  } catch (const std::bad_alloc&) {
    return out_of_memory(state);
  } catch (const std::exception& error) {
    return failed(state, error.what());
  } catch (...) {
    return failed(state, "an exception that is no std::exception");
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

const char* get_last_error(ArrowArrayStream* stream) noexcept { return state_of(stream).message; }

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
