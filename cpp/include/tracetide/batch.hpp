// A batch: a run of consecutive requests as columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tracetide/column.hpp"
#include "tracetide/profile.hpp"

namespace tracetide {

/// A list column: the items of request i are values[offsets[i]] .. values[offsets[i + 1] - 1].
struct ListColumn {
  Column<std::int32_t> offsets{};  ///< rows + 1 entries when present, else empty
  Column<std::uint32_t> values{};
};

/// Column storage of a batch. Columns a category does not have are empty.
struct Columns {
  Column<double> timestamp{};  ///< s from the job's start, whole nanoseconds
  Column<std::uint32_t> client_id{};
  Column<std::uint32_t> input_tokens{};
  Column<std::uint32_t> output_tokens{};
  Column<std::uint32_t> reason_tokens{};  ///< category reason
  Column<std::uint32_t> text_tokens{};    ///< category multimodal, as the lists below
  ListColumn image_tokens{};
  ListColumn audio_tokens{};
  ListColumn video_tokens{};
};

/// Requests in time order.
class Batch {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return columns_.timestamp.size(); }
  /// Position of the first request in the whole job.
  [[nodiscard]] std::uint64_t first_request() const noexcept { return first_request_; }
  [[nodiscard]] Category category() const noexcept { return category_; }

  [[nodiscard]] std::span<const double> timestamp() const noexcept { return columns_.timestamp; }
  [[nodiscard]] std::span<const std::uint32_t> client_id() const noexcept { return columns_.client_id; }
  [[nodiscard]] std::span<const std::uint32_t> input_tokens() const noexcept { return columns_.input_tokens; }
  [[nodiscard]] std::span<const std::uint32_t> output_tokens() const noexcept {
    return columns_.output_tokens;
  }
  [[nodiscard]] std::span<const std::uint32_t> reason_tokens() const noexcept {
    return columns_.reason_tokens;
  }
  [[nodiscard]] std::span<const std::uint32_t> text_tokens() const noexcept { return columns_.text_tokens; }
  [[nodiscard]] const ListColumn& image_tokens() const noexcept { return columns_.image_tokens; }
  [[nodiscard]] const ListColumn& audio_tokens() const noexcept { return columns_.audio_tokens; }
  [[nodiscard]] const ListColumn& video_tokens() const noexcept { return columns_.video_tokens; }

  /// For producers.
  [[nodiscard]] Columns& columns() noexcept { return columns_; }
  [[nodiscard]] const Columns& columns() const noexcept { return columns_; }
  void reset(Category category, std::uint64_t first_request) noexcept {
    category_ = category;
    first_request_ = first_request;
  }

 private:
  Columns columns_{};
  Category category_ = Category::language;
  std::uint64_t first_request_ = 0;
};

}  // namespace tracetide
