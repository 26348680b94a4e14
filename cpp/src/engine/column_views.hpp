// Columns by name, whatever holds them: a batch of the engine, or arrays that a caller brings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/column_table.hpp"

namespace tracetide {

/// The items of row i are values[offsets[i]] .. values[offsets[i + 1] - 1].
struct ListView {
  std::span<const std::int32_t> offsets{};
  std::span<const std::uint32_t> values{};
};

/// The text of row i is bytes[offsets[i]] .. bytes[offsets[i + 1] - 1], in UTF-8.
struct TextView {
  std::span<const std::int32_t> offsets{};
  std::span<const char> bytes{};
};

/// In the order of ColumnKind.
using ColumnView =
    std::variant<std::span<const double>, std::span<const std::uint16_t>, std::span<const std::uint32_t>,
                 std::span<const std::uint64_t>, ListView, TextView>;

struct ColumnInfo {
  std::string name{};
  ColumnKind kind = ColumnKind::u32;
  bool is_signed = false;  ///< of u64: those from 2^63 on are below 0
  bool nullable = false;   ///< of real and u64: values may be missing
};

template <class T>
[[nodiscard]] std::span<const T> view(const Column<T>& column) noexcept {
  return column;
}
[[nodiscard]] inline ListView view(const ListColumn& column) noexcept {
  return {column.offsets, column.values};
}

/// The columns of a category's traces, in their order in files.
[[nodiscard]] std::vector<ColumnInfo> column_infos(Category category, const OptionalColumns& optional);
/// A batch's columns, in the order of `column_infos`.
[[nodiscard]] std::vector<ColumnView> column_views(const Batch& batch);
/// Where a column of a name stands.
[[nodiscard]] std::optional<std::size_t> find_column(std::span<const ColumnInfo> infos,
                                                     std::string_view name);
/// A batch's column of a name, if it has one.
[[nodiscard]] std::optional<ColumnView> find_column(const Batch& batch, std::string_view name);

}  // namespace tracetide
