#include "writers/text_stream.hpp"

#include <utility>

namespace tracetide {
namespace {

using Texts = Pool<Column<char>>;

std::shared_ptr<Column<char>> empty_text(Texts& texts) {
  std::shared_ptr<Column<char>> text = texts.take();
  text->clear();
  return text;
}

Finish native_rows(TextFormat format) {
  return [format, texts = std::make_shared<Texts>()](Made& made) {
    made.text = empty_text(*texts);
    append_rows(*made.batch, format, *made.text);
    made.batch.reset();
  };
}

Prepare tool_rows(std::shared_ptr<RowWriter> writer) {
  return [writer = std::move(writer), texts = std::make_shared<Texts>()](const Batch& batch) -> Finish {
    auto prepared = std::make_shared<const RowWriter::Prepared>(
        writer->prepare({.columns = column_views(batch), .size = batch.size()}));
    return [writer, texts, prepared](Made& made) {
      made.text = empty_text(*texts);
      writer->append({.columns = column_views(*made.batch), .size = made.batch->size()}, *prepared,
                     *made.text);
      made.batch.reset();
    };
  };
}

}  // namespace

std::optional<TextFormat> native_format(std::string_view name) noexcept {
  if (name == "csv") return TextFormat::csv;
  if (name == "jsonl") return TextFormat::jsonl;
  return std::nullopt;
}

TextStream::TextStream(const Job& job, TextFormat format, unsigned threads, const Kernels& kernels,
                       WindowRange range, Poll poll)
    : header_(text_header(job, format)),
      pipeline_(job, threads, kernels, native_rows(format), range, std::move(poll)) {}

TextStream::TextStream(const Job& job, TraceFormat format, HashIds hash_ids, unsigned threads,
                       const Kernels& kernels, Poll poll)
    : writer_(std::make_shared<RowWriter>(format,
                                          column_infos(job.profile().category(), job.optional_columns()),
                                          row_options(job, hash_ids))),
      pipeline_(job, threads, kernels, tool_rows(writer_), std::move(poll)) {}

std::optional<TextChunk> TextStream::next() {
  if (std::optional<Made> made = pipeline_.next()) return TextChunk{made->rows, std::move(made->text)};
  if (!writer_ || std::exchange(finished_, true)) return std::nullopt;
  auto rest = std::make_shared<Column<char>>();
  writer_->finish(*rest);
  if (rest->empty()) return std::nullopt;
  return TextChunk{0, std::move(rest)};
}

}  // namespace tracetide
