// Streams of batches and of formatted text, as Python iterators.
#include "tracetide/stream.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <atomic>
#include <chrono>

#include "bindings.hpp"
#include "engine/columns.hpp"
#include "engine/pipeline.hpp"
#include "writers/text.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

// Long enough to cost nothing, short enough for Ctrl-C.
constexpr std::chrono::milliseconds signal_interval{100};

// Waits without the GIL, and lets a pending signal raise.
template <class Source>
void wait_for(Source& source) {
  for (;;) {
    bool ready = false;
    {
      const py::gil_scoped_release release;
      ready = source.wait(signal_interval);
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (ready) return;
  }
}

// One consumer at a time, as with a generator: the GIL is let go of while it waits.
class Exclusive {
 public:
  explicit Exclusive(std::atomic_flag& busy) : busy_(busy) {
    if (busy_.test_and_set()) throw py::value_error("the stream is being read by another thread");
  }
  ~Exclusive() { busy_.clear(); }
  Exclusive(const Exclusive&) = delete;
  Exclusive& operator=(const Exclusive&) = delete;

 private:
  std::atomic_flag& busy_;
};

struct SharedStream {
  std::unique_ptr<Stream> stream;
  std::atomic_flag busy;
};

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

constexpr std::array<const char*, 3> payload_names{"image_bytes", "audio_bytes", "video_bytes"};

std::vector<std::string> column_names(const Batch& batch) {
  const Category category = batch.category();
  std::vector<std::string> names{"timestamp", "client_id", "input_tokens", "output_tokens"};
  if (category == Category::reason) names.emplace_back("reason_tokens");
  if (category == Category::multimodal) {
    names.insert(names.end(), {"text_tokens", "image_tokens", "audio_tokens", "video_tokens"});
  }
  if (batch.has_sessions()) names.insert(names.end(), {"session_id", "turn", "delay"});
  if (batch.has_hash_ids()) names.emplace_back("hash_ids");
  for (std::size_t kind = 0; kind < payload_names.size(); ++kind)
    if (batch.has_payload_bytes(kind)) names.emplace_back(payload_names[kind]);
  return names;
}

py::object column(const BatchHandle& handle, const std::string& name) {
  const Batch& batch = *handle.batch;
  const auto list = [&](const ListColumn& items) -> py::object {
    return py::make_tuple(view<std::int32_t>(handle, items.offsets),
                          view<std::uint32_t>(handle, items.values));
  };
  if (name == "timestamp") return view(handle, batch.timestamp());
  if (name == "client_id") return view(handle, batch.client_id());
  if (name == "input_tokens") return view(handle, batch.input_tokens());
  if (name == "output_tokens") return view(handle, batch.output_tokens());
  if (batch.category() == Category::reason && name == "reason_tokens")
    return view(handle, batch.reason_tokens());
  if (batch.category() == Category::multimodal) {
    if (name == "text_tokens") return view(handle, batch.text_tokens());
    if (name == "image_tokens") return list(batch.image_tokens());
    if (name == "audio_tokens") return list(batch.audio_tokens());
    if (name == "video_tokens") return list(batch.video_tokens());
  }
  if (batch.has_sessions()) {
    if (name == "session_id") return view(handle, batch.session_id());
    if (name == "turn") return view(handle, batch.turn());
    if (name == "delay") return view(handle, batch.delay());
  }
  if (batch.has_hash_ids() && name == "hash_ids") return list(batch.hash_ids());
  for (std::size_t kind = 0; kind < payload_names.size(); ++kind)
    if (batch.has_payload_bytes(kind) && name == payload_names[kind]) return list(batch.payload_bytes(kind));
  throw py::key_error(name);
}

BatchHandle next_batch(SharedStream& shared) {
  const Exclusive exclusive(shared.busy);
  Stream& stream = *shared.stream;
  wait_for(stream);
  std::shared_ptr<const Batch> batch;
  {
    const py::gil_scoped_release release;
    batch = stream.next_shared();
  }
  if (!batch) throw py::stop_iteration();
  return {std::move(batch)};
}

std::unique_ptr<Stream> make_stream(const Job& job, unsigned threads, std::size_t batch_size,
                                    const std::string& kernels, std::uint64_t first_window = 0,
                                    std::optional<std::uint64_t> last_window = std::nullopt) {
  const py::gil_scoped_release release;
  return std::make_unique<Stream>(job,
                                  StreamOptions{threads, batch_size, kernels, first_window, last_window});
}

BatchHandle collect(const Job& job, unsigned threads, const std::string& kernels) {
  const auto stream = make_stream(job, threads, 0, kernels);
  const auto all = std::make_shared<Batch>();
  all->reset(job.profile().category(), 0, job.optional_columns());
  {
    const py::gil_scoped_release release;
    reserve(all->columns(), job.profile().category(), job.count().value_or(0));
  }
  for (;;) {
    wait_for(*stream);
    const py::gil_scoped_release release;
    const Batch* batch = stream->next();
    if (batch == nullptr) break;
    append_rows(all->columns(), batch->columns(), 0, batch->size());
  }
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

// Formatted rows; the memory is reused when Python lets go of it.
struct TextChunk {
  std::shared_ptr<Column<char>> text;
};

// Rows formatted on the worker threads.
class TextStream {
 public:
  TextStream(const Job& job, TextFormat format, unsigned threads, const std::string& kernels)
      : pipeline_(job, threads, kernels_for(kernels),
                  [format, pool = std::make_shared<Pool<Column<char>>>()](Made& made) {
                    made.text = pool->take();
                    made.text->clear();
                    append_rows(*made.batch, format, *made.text);
                    made.batch.reset();
                  }) {}

  std::atomic_flag busy;

  bool wait(std::chrono::milliseconds timeout) { return pipeline_.wait(timeout); }
  std::optional<Made> next() { return pipeline_.next(); }

 private:
  Pipeline pipeline_;
};

TextFormat parse_format(const std::string& format) {
  if (format == "csv") return TextFormat::csv;
  if (format == "jsonl") return TextFormat::jsonl;
  throw std::invalid_argument("format: '" + format + "' is not a text format; it must be one of csv, jsonl");
}

std::unique_ptr<TextStream> make_text_stream(const Job& job, const std::string& format, unsigned threads,
                                             const std::string& kernels) {
  return std::make_unique<TextStream>(job, parse_format(format), threads, kernels);
}

py::tuple next_text(TextStream& stream) {
  const Exclusive exclusive(stream.busy);
  wait_for(stream);
  std::optional<Made> made;
  {
    const py::gil_scoped_release release;
    made = stream.next();
  }
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

  py::class_<TextChunk>(module, "TextChunk", py::buffer_protocol()).def_buffer([](const TextChunk& chunk) {
    return py::buffer_info(reinterpret_cast<const std::uint8_t*>(chunk.text->data()),
                           static_cast<py::ssize_t>(chunk.text->size()));
  });

  const auto itself = [](const py::object& stream) { return stream; };
  py::class_<SharedStream>(module, "Stream")
      .def(py::init([](const Job& job, unsigned threads, std::size_t batch_size, const std::string& kernels,
                       std::uint64_t first_window, std::optional<std::uint64_t> last_window) {
             auto shared = std::make_unique<SharedStream>();
             shared->stream = make_stream(job, threads, batch_size, kernels, first_window, last_window);
             return shared;
           }),
           py::arg("job"), py::kw_only(), py::arg("threads") = 0, py::arg("batch_size") = 0,
           py::arg("kernels") = "", py::arg("first_window") = 0, py::arg("last_window") = py::none())
      .def("__iter__", itself)
      .def("__next__", &next_batch);
  py::class_<TextStream>(module, "TextStream")
      .def(py::init(&make_text_stream), py::arg("job"), py::kw_only(), py::arg("format"),
           py::arg("threads") = 0, py::arg("kernels") = "")
      .def("__iter__", itself)
      .def("__next__", &next_text);

  module.def(
      "text_header",
      [](const Job& job, const std::string& format) {
        return py::bytes(text_header(job, parse_format(format)));
      },
      py::arg("job"), py::arg("format"));
  module.def("collect", &collect, py::arg("job"), py::kw_only(), py::arg("threads") = 0,
             py::arg("kernels") = "");
  module.def("kernel_levels", &kernel_levels);
}

}  // namespace tracetide::bindings
