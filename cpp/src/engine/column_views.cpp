#include "engine/column_views.hpp"

#include <algorithm>

#include "base/access.hpp"

namespace tracetide {
std::vector<ColumnInfo> column_infos(Category category, const OptionalColumns& optional) {
  std::vector<ColumnInfo> infos;
  for (const NativeColumn& native : native_columns)
    if (native.is_in(category, optional))
      infos.push_back({std::string(native.name), native.kind(), false, native.nullable});
  return infos;
}

std::vector<ColumnView> column_views(const Batch& batch) {
  std::vector<ColumnView> views;
  for (const NativeColumn& native : native_columns) {
    if (!native.is_in(batch.category(), batch.optional_columns())) continue;
    std::visit([&](auto place) { views.emplace_back(view(column_at(Access::columns(batch), place))); },
               native.place);
  }
  return views;
}

std::optional<std::size_t> find_column(std::span<const ColumnInfo> infos, std::string_view name) {
  const auto found =
      std::find_if(infos.begin(), infos.end(), [&](const ColumnInfo& one) { return one.name == name; });
  if (found == infos.end()) return std::nullopt;
  return static_cast<std::size_t>(found - infos.begin());
}

std::optional<ColumnView> find_column(const Batch& batch, std::string_view name) {
  const auto at = find_column(column_infos(batch.category(), batch.optional_columns()), name);
  if (!at) return std::nullopt;
  return column_views(batch)[*at];
}

}  // namespace tracetide
