#include "engine/columns.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace tracetide {
namespace {

template <class T>
void append(Column<T>& to, const Column<T>& from, std::size_t first, std::size_t n) {
  if (from.empty()) return;
  const std::size_t at = to.size();
  to.resize(at + n);
  std::copy_n(from.data() + first, n, to.data() + at);
}

void append(ListColumn& to, const ListColumn& from, std::size_t first, std::size_t n) {
  if (from.offsets.empty()) return;
  if (to.offsets.empty()) to.offsets.push_back(0);
  check_items(to.values.size() + static_cast<std::size_t>(from.offsets[first + n] - from.offsets[first]));
  const std::int32_t begin = from.offsets[first];
  const std::int32_t shift = to.offsets.back() - begin;
  for (std::size_t i = first + 1; i <= first + n; ++i) to.offsets.push_back(from.offsets[i] + shift);
  append(to.values, from.values, static_cast<std::size_t>(begin),
         static_cast<std::size_t>(from.offsets[first + n] - begin));
}

void clear(ListColumn& column) noexcept {
  column.offsets.clear();
  column.values.clear();
}

template <class Visit>
void for_each_list(const Columns& columns, Visit&& visit) {
  for (const ListColumn* const list :
       {&columns.image_tokens, &columns.audio_tokens, &columns.video_tokens, &columns.hash_ids,
        &columns.payload_bytes[0], &columns.payload_bytes[1], &columns.payload_bytes[2]})
    if (!list->offsets.empty()) visit(*list);
}

}  // namespace

std::size_t list_values(const Columns& columns, std::size_t first, std::size_t n) noexcept {
  std::size_t values = 0;
  for_each_list(columns, [&](const ListColumn& list) {
    values += static_cast<std::size_t>(list.offsets[first + n] - list.offsets[first]);
  });
  return values;
}

void check_items(std::size_t items) {
  constexpr std::size_t most = 0x7FFFFFFF;
  if (items > most) {
    throw std::length_error(
        "a batch has more than 2^31 - 1 items of one kind, which its 32-bit offsets cannot "
        "hold; stream the job in batches of fewer requests");
  }
}

void clear(Columns& columns) noexcept {
  columns.timestamp.clear();
  columns.client_id.clear();
  columns.input_tokens.clear();
  columns.output_tokens.clear();
  columns.reason_tokens.clear();
  columns.text_tokens.clear();
  clear(columns.image_tokens);
  clear(columns.audio_tokens);
  clear(columns.video_tokens);
  columns.session_id.clear();
  columns.turn.clear();
  columns.delay.clear();
  clear(columns.hash_ids);
  for (ListColumn& kind : columns.payload_bytes) clear(kind);
}

void reserve(Columns& columns, Category category, std::size_t rows) {
  columns.timestamp.reserve(rows);
  columns.client_id.reserve(rows);
  columns.input_tokens.reserve(rows);
  columns.output_tokens.reserve(rows);
  if (category == Category::reason) columns.reason_tokens.reserve(rows);
  if (category == Category::multimodal) columns.text_tokens.reserve(rows);
}

void append_rows(Columns& to, const Columns& from, std::size_t first, std::size_t n) {
  append(to.timestamp, from.timestamp, first, n);
  append(to.client_id, from.client_id, first, n);
  append(to.input_tokens, from.input_tokens, first, n);
  append(to.output_tokens, from.output_tokens, first, n);
  append(to.reason_tokens, from.reason_tokens, first, n);
  append(to.text_tokens, from.text_tokens, first, n);
  append(to.image_tokens, from.image_tokens, first, n);
  append(to.audio_tokens, from.audio_tokens, first, n);
  append(to.video_tokens, from.video_tokens, first, n);
  append(to.session_id, from.session_id, first, n);
  append(to.turn, from.turn, first, n);
  append(to.delay, from.delay, first, n);
  append(to.hash_ids, from.hash_ids, first, n);
  for (std::size_t kind = 0; kind < to.payload_bytes.size(); ++kind)
    append(to.payload_bytes[kind], from.payload_bytes[kind], first, n);
}

void put_payload_bytes(const std::array<double, 3>& bytes_per_token, Columns& columns) {
  const std::array<const ListColumn*, 3> tokens{&columns.image_tokens, &columns.audio_tokens,
                                                &columns.video_tokens};
  for (std::size_t kind = 0; kind < tokens.size(); ++kind) {
    if (!(bytes_per_token[kind] > 0)) continue;
    ListColumn& bytes = columns.payload_bytes[kind];
    bytes.offsets = tokens[kind]->offsets;
    bytes.values.resize(tokens[kind]->values.size());
    for (std::size_t i = 0; i < bytes.values.size(); ++i) {
      const double exact = tokens[kind]->values[i] * bytes_per_token[kind];
      bytes.values[i] = exact < 4294967295.0 ? static_cast<std::uint32_t>(exact + 0.5) : 4294967295u;
    }
  }
}

}  // namespace tracetide
