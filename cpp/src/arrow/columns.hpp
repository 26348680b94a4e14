// Columns in memory as Arrow arrays, whoever owns them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/column_views.hpp"
#include "tracetide/arrow.hpp"
#include "tracetide/column.hpp"

namespace tracetide::arrow {

/// The type of a column, as an Arrow format string: "g" float64, "I" uint32, "+l" a list of uint32, "u" text.
struct ColumnType {
  std::string name{};
  std::string format{};
  bool nullable = false;
};

/// The values of a column.
struct ColumnData {
  const void* values = nullptr;  ///< of a list its items, of a text its bytes
  const std::int32_t* offsets = nullptr;
  std::int64_t items = 0;  ///< of a list
  std::int64_t nulls = 0;
  std::shared_ptr<const Column<std::uint8_t>> valid{};  ///< a bit a row; none where nothing is missing
};

[[nodiscard]] ColumnType type_of(const ColumnInfo& info);
[[nodiscard]] ColumnData data_of(const ColumnInfo& info, const ColumnView& view, std::size_t rows);
/// Marks the numbers of sessions that are no_session, or delays that are NaN, as missing.
void mark_missing(std::span<const std::uint64_t> sessions, ColumnData& data);
void mark_missing(std::span<const double> delays, ColumnData& data);

/// A struct of the columns. `metadata` is the value of the key tracetide.job unless empty.
void export_schema(const std::vector<ColumnType>& types, std::string_view metadata, ArrowSchema* out);
/// `owner` lives until the array is released.
void export_array(const std::vector<ColumnType>& types, const std::vector<ColumnData>& columns,
                  std::int64_t rows, const std::shared_ptr<const void>& owner, ArrowArray* out);

}  // namespace tracetide::arrow
