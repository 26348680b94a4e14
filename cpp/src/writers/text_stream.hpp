// A job's requests as text, in order, formatted on the worker threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/pipeline.hpp"
#include "tracetide/job.hpp"
#include "tracetide/writers.hpp"
#include "writers/row_writer.hpp"
#include "writers/text.hpp"

namespace tracetide {

/// The native format of a name, if it is one.
[[nodiscard]] std::optional<TextFormat> native_format(std::string_view name) noexcept;

class TextStream {
 public:
  /// `poll` is called while the stream is made, and in `next`. Native columns: they depend on no earlier
  /// rows, so they may be those of some windows.
  TextStream(const Job& job, TextFormat format, unsigned threads, const Kernels& kernels,
             WindowRange range = {}, Poll poll = {});
  /// In another tool's format.
  TextStream(const Job& job, TraceFormat format, HashIds hash_ids, unsigned threads, const Kernels& kernels,
             Poll poll = {});

  /// The next rows; nothing at the end. @throws what a worker threw
  [[nodiscard]] std::optional<TextChunk> next();
  [[nodiscard]] const std::string& header() const noexcept { return writer_ ? writer_->header() : header_; }
  [[nodiscard]] const std::vector<std::string>& left_out() const noexcept {
    return writer_ ? writer_->left_out() : nothing_;
  }
  /// See RowWriter; when the end has been reached.
  [[nodiscard]] std::uint64_t split_turns() const noexcept { return writer_ ? writer_->split_turns() : 0; }
  [[nodiscard]] std::uint64_t rows_without_tokens() const noexcept {
    return writer_ ? writer_->rows_without_tokens() : 0;
  }

 private:
  std::shared_ptr<RowWriter> writer_;  // of another tool's format
  std::string header_{};               // where there is none
  std::vector<std::string> nothing_{};
  bool finished_ = false;
  Pipeline pipeline_;
};

}  // namespace tracetide
