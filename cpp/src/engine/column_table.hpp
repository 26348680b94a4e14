// The columns of native traces, in their order in files: whatever goes through columns walks this table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "tracetide/batch.hpp"

namespace tracetide {

enum class ColumnKind : std::uint8_t { real, u16, u32, u64, list, text };
inline constexpr std::array<std::string_view, 6> column_kind_names{"real", "u16",  "u32",
                                                                   "u64",  "list", "text"};

/// Which jobs have a column.
enum class ColumnOf : std::uint8_t { every_job, reason, multimodal, sessions, hash_ids, payload_bytes };

/// The bytes of a kind of items.
struct PayloadBytes {
  std::size_t kind = 0;
};

struct NativeColumn {
  std::string_view name{};
  /// Where it is in Columns.
  std::variant<Column<double> Columns::*, Column<std::uint16_t> Columns::*, Column<std::uint32_t> Columns::*,
               Column<std::uint64_t> Columns::*, ListColumn Columns::*, PayloadBytes>
      place{};
  ColumnOf jobs = ColumnOf::every_job;
  std::string_view unit{};
  bool nullable = false;  ///< a number is missing where it is NaN or no_session

  [[nodiscard]] constexpr ColumnKind kind() const noexcept {
    return std::array{ColumnKind::real, ColumnKind::u16,  ColumnKind::u32,
                      ColumnKind::u64,  ColumnKind::list, ColumnKind::list}[place.index()];
  }
  [[nodiscard]] constexpr bool is_in(Category category, const OptionalColumns& optional) const noexcept {
    switch (jobs) {
      case ColumnOf::every_job:
        return true;
      case ColumnOf::reason:
        return category == Category::reason;
      case ColumnOf::multimodal:
        return category == Category::multimodal;
      case ColumnOf::sessions:
        return optional.sessions;
      case ColumnOf::hash_ids:
        return optional.hash_ids;
      case ColumnOf::payload_bytes:
        return optional.payload_bytes[std::get<PayloadBytes>(place).kind];
    }
    return false;
  }
};

inline constexpr std::array native_columns{
    NativeColumn{"timestamp", &Columns::timestamp, ColumnOf::every_job, "s"},
    NativeColumn{"client_id", &Columns::client_id},
    NativeColumn{"input_tokens", &Columns::input_tokens, ColumnOf::every_job, "tokens"},
    NativeColumn{"output_tokens", &Columns::output_tokens, ColumnOf::every_job, "tokens"},
    NativeColumn{"reason_tokens", &Columns::reason_tokens, ColumnOf::reason, "tokens"},
    NativeColumn{"text_tokens", &Columns::text_tokens, ColumnOf::multimodal, "tokens"},
    NativeColumn{"image_tokens", &Columns::image_tokens, ColumnOf::multimodal, "tokens"},
    NativeColumn{"audio_tokens", &Columns::audio_tokens, ColumnOf::multimodal, "tokens"},
    NativeColumn{"video_tokens", &Columns::video_tokens, ColumnOf::multimodal, "tokens"},
    NativeColumn{"session_id", &Columns::session_id, ColumnOf::sessions, {}, true},
    NativeColumn{"turn", &Columns::turn, ColumnOf::sessions},
    NativeColumn{"delay", &Columns::delay, ColumnOf::sessions, "s", true},
    NativeColumn{"hash_ids", &Columns::hash_ids, ColumnOf::hash_ids},
    NativeColumn{"image_bytes", PayloadBytes{0}, ColumnOf::payload_bytes, "bytes"},
    NativeColumn{"audio_bytes", PayloadBytes{1}, ColumnOf::payload_bytes, "bytes"},
    NativeColumn{"video_bytes", PayloadBytes{2}, ColumnOf::payload_bytes, "bytes"},
};

/// What is at a place of columns: a Column of numbers, or a ListColumn.
template <class AnyColumns, class Member>
[[nodiscard]] constexpr auto& column_at(AnyColumns& columns, Member Columns::* place) noexcept {
  return columns.*place;
}
template <class AnyColumns>
[[nodiscard]] constexpr auto& column_at(AnyColumns& columns, PayloadBytes place) noexcept {
  return columns.payload_bytes[place.kind];
}

}  // namespace tracetide
