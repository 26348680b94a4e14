#include "engine/column_views.hpp"

#include <algorithm>

namespace tracetide {
namespace {

ListView view(const ListColumn& column) noexcept { return {column.offsets, column.values}; }

}  // namespace

std::vector<ColumnInfo> column_infos(Category category, const OptionalColumns& optional) {
  std::vector<ColumnInfo> infos{{"timestamp", ColumnKind::real},
                                {"client_id", ColumnKind::u32},
                                {"input_tokens", ColumnKind::u32},
                                {"output_tokens", ColumnKind::u32}};
  if (category == Category::reason) infos.push_back({"reason_tokens", ColumnKind::u32});
  if (category == Category::multimodal) {
    infos.push_back({"text_tokens", ColumnKind::u32});
    for (const char* name : {"image_tokens", "audio_tokens", "video_tokens"})
      infos.push_back({name, ColumnKind::list});
  }
  if (optional.sessions) {
    infos.push_back({"session_id", ColumnKind::u64});
    infos.push_back({"turn", ColumnKind::u16});
    infos.push_back({"delay", ColumnKind::real});
  }
  if (optional.hash_ids) infos.push_back({"hash_ids", ColumnKind::list});
  for (std::size_t kind = 0; kind < payload_names.size(); ++kind)
    if (optional.payload_bytes[kind]) infos.push_back({std::string(payload_names[kind]), ColumnKind::list});
  return infos;
}

std::vector<ColumnView> column_views(const Batch& batch) {
  std::vector<ColumnView> views{batch.timestamp(), batch.client_id(), batch.input_tokens(),
                                batch.output_tokens()};
  if (batch.category() == Category::reason) views.emplace_back(batch.reason_tokens());
  if (batch.category() == Category::multimodal) {
    views.emplace_back(batch.text_tokens());
    for (const ListColumn* items : {&batch.image_tokens(), &batch.audio_tokens(), &batch.video_tokens()})
      views.emplace_back(view(*items));
  }
  if (batch.has_sessions()) {
    views.emplace_back(batch.session_id());
    views.emplace_back(batch.turn());
    views.emplace_back(batch.delay());
  }
  if (batch.has_hash_ids()) views.emplace_back(view(batch.hash_ids()));
  for (std::size_t kind = 0; kind < payload_names.size(); ++kind)
    if (batch.has_payload_bytes(kind)) views.emplace_back(view(batch.payload_bytes(kind)));
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
