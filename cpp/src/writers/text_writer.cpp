#include <stdexcept>
#include <utility>

#include "base/alive.hpp"
#include "tracetide/writers.hpp"
#include "writers/text_stream.hpp"

namespace tracetide {

namespace {

const TraceFormat& parse_format(std::string_view name) try {
  return parse_trace_format(name);
} catch (const std::invalid_argument& error) {
  throw std::invalid_argument(std::string(error.what()) + ", csv, jsonl");
}

}  // namespace

struct TextWriter::State : TextStream {
  using TextStream::TextStream;
};

TextWriter::TextWriter(const Job& job, std::string_view format, TextOptions options) {
  const Kernels& kernels = kernels_for(options.kernels);
  const WindowRange range{options.first_window, options.last_window.value_or(job.windows())};
  if (const auto native = native_format(format)) {
    state_ = std::make_unique<State>(job, *native, options.threads, kernels, range, std::move(options.poll));
    return;
  }
  if (range.first != 0 || range.last != job.windows()) {
    throw std::invalid_argument(
        "format: " + std::string(format) +
        " is not allowed for some windows; what it writes may depend on those before");
  }
  state_ = std::make_unique<State>(job, parse_format(format), options.hash_ids, options.threads, kernels,
                                   std::move(options.poll));
}
TextWriter::~TextWriter() = default;
TextWriter::TextWriter(TextWriter&&) noexcept = default;
TextWriter& TextWriter::operator=(TextWriter&&) noexcept = default;

const std::string& TextWriter::header() const { return alive(state_, "TextWriter").header(); }
std::optional<TextChunk> TextWriter::next() { return alive(state_, "TextWriter").next(); }
const std::vector<std::string>& TextWriter::left_out() const {
  return alive(state_, "TextWriter").left_out();
}
std::uint64_t TextWriter::rows_without_tokens() const {
  return alive(state_, "TextWriter").rows_without_tokens();
}
std::uint64_t TextWriter::split_turns() const { return alive(state_, "TextWriter").split_turns(); }

}  // namespace tracetide
