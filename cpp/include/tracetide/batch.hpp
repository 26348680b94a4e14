// A batch: a run of consecutive requests as columns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tracetide/column.hpp"
#include "tracetide/profile.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// The session of a request that stands alone.
inline constexpr std::uint64_t no_session = ~std::uint64_t{0};

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
  Column<std::uint64_t> session_id{};         ///< jobs with conversations, as the two below; or no_session
  Column<std::uint16_t> turn{};               ///< from 1
  Column<double> delay{};                     ///< s after the end of the turn before; NaN on the first
  ListColumn hash_ids{};                      ///< jobs with blocks of prompts
  std::array<ListColumn, 3> payload_bytes{};  ///< of images, audios, videos, where the job says so
};

/// Columns that a job's options decide upon.
struct OptionalColumns {
  bool sessions = false;  ///< session_id, turn, delay
  bool hash_ids = false;
  std::array<bool, 3> payload_bytes{};  ///< of images, audios, videos
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

  /// Which of the columns below it has.
  [[nodiscard]] const OptionalColumns& optional_columns() const noexcept { return optional_; }
  /// Whether the job has conversations: else the following are empty.
  [[nodiscard]] bool has_sessions() const noexcept { return optional_.sessions; }
  [[nodiscard]] std::span<const std::uint64_t> session_id() const noexcept { return columns_.session_id; }
  [[nodiscard]] std::span<const std::uint16_t> turn() const noexcept { return columns_.turn; }
  [[nodiscard]] std::span<const double> delay() const noexcept { return columns_.delay; }

  /// Whether the job has hash ids: else the list is empty.
  [[nodiscard]] bool has_hash_ids() const noexcept { return optional_.hash_ids; }
  [[nodiscard]] const ListColumn& hash_ids() const noexcept { return columns_.hash_ids; }

  /// Bytes of every item: kind 0 images, 1 audios, 2 videos.
  [[nodiscard]] bool has_payload_bytes(std::size_t kind) const noexcept {
    return optional_.payload_bytes[kind];
  }
  [[nodiscard]] const ListColumn& payload_bytes(std::size_t kind) const noexcept {
    return columns_.payload_bytes[kind];
  }

 private:
  friend struct Access;
  Columns columns_{};
  Category category_ = Category::language;
  OptionalColumns optional_{};
  std::uint64_t first_request_ = 0;
};

}  // namespace tracetide
#pragma GCC visibility pop
