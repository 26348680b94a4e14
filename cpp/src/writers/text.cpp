#include "writers/text.hpp"

#include <cstddef>
#include <cstring>

#include "engine/column_views.hpp"
#include "writers/cells.hpp"
#include "writers/decimal.hpp"
#include "writers/time_text.hpp"

namespace tracetide {
namespace {

// The key's size is known when compiling, so the copy is one or two moves.
template <std::size_t size>
char* put_key(char* to, const char (&key)[size]) noexcept {
  std::memcpy(to, key, size - 1);
  return to + size - 1;
}

constexpr std::size_t longest_key = sizeof ",\"output_tokens\":" - 1;
constexpr std::size_t numbers_in_row = 4;
constexpr std::size_t lists_in_row = 3;

// Nothing in CSV, null in JSON.
template <TextFormat format>
char* put_missing(char* to) noexcept {
  return format == TextFormat::jsonl ? put_key(to, "null") : to;
}

// The last columns of a row, where the job has conversations.
template <TextFormat format>
char* put_session(const Batch& batch, std::size_t row, TimestampWriter& delays, char* to) noexcept {
  constexpr bool json = format == TextFormat::jsonl;
  const std::uint64_t session = batch.session_id()[row];
  const double delay = batch.delay()[row];
  to = json ? put_key(to, ",\"session_id\":") : put_key(to, ",");
  to = session == no_session ? put_missing<format>(to) : put_long_number(to, session);
  to = json ? put_key(to, ",\"turn\":") : put_key(to, ",");
  to = put_number(to, batch.turn()[row]);
  to = json ? put_key(to, ",\"delay\":") : put_key(to, ",");
  return delay >= 0 ? delays.put(to, delay) : put_missing<format>(to);
}

template <TextFormat format, Category category>
char* put_rows(const Batch& batch, char* to) noexcept {
  constexpr bool json = format == TextFormat::jsonl;
  const double* const timestamp = batch.timestamp().data();
  const std::uint32_t* const client_id = batch.client_id().data();
  const std::uint32_t* const input_tokens = batch.input_tokens().data();
  const std::uint32_t* const output_tokens = batch.output_tokens().data();
  [[maybe_unused]] const std::uint32_t* const reason_tokens = batch.reason_tokens().data();
  [[maybe_unused]] const std::uint32_t* const text_tokens = batch.text_tokens().data();
  const auto put_items = [](char* place, const ListColumn& column, std::size_t row) noexcept {
    return put_list(place, column.values.data() + column.offsets[row],
                    column.values.data() + column.offsets[row + 1], !json);
  };

  TimestampWriter time;
  TimestampWriter delays;
  const bool has_sessions = batch.has_sessions();
  const bool has_hash_ids = batch.has_hash_ids();
  const std::size_t rows = batch.size();
  for (std::size_t row = 0; row < rows; ++row) {
    if constexpr (json) to = put_key(to, "{\"timestamp\":");
    to = time.put(to, timestamp[row]);
    to = json ? put_key(to, ",\"client_id\":") : put_key(to, ",");
    to = put_number(to, client_id[row]);
    to = json ? put_key(to, ",\"input_tokens\":") : to + 1;  // put_number left a comma
    to = put_number(to, input_tokens[row]);
    to = json ? put_key(to, ",\"output_tokens\":") : to + 1;
    to = put_number(to, output_tokens[row]);
    if constexpr (category == Category::reason) {
      to = json ? put_key(to, ",\"reason_tokens\":") : to + 1;
      to = put_number(to, reason_tokens[row]);
    }
    if constexpr (category == Category::multimodal) {
      to = json ? put_key(to, ",\"text_tokens\":") : to + 1;
      to = put_number(to, text_tokens[row]);
      to = json ? put_key(to, ",\"image_tokens\":") : to + 1;
      to = put_items(to, batch.image_tokens(), row);
      to = json ? put_key(to, ",\"audio_tokens\":") : put_key(to, ",");
      to = put_items(to, batch.audio_tokens(), row);
      to = json ? put_key(to, ",\"video_tokens\":") : put_key(to, ",");
      to = put_items(to, batch.video_tokens(), row);
    }
    if (has_sessions) to = put_session<format>(batch, row, delays, to);
    if (has_hash_ids) {
      to = json ? put_key(to, ",\"hash_ids\":") : put_key(to, ",");
      to = put_items(to, batch.hash_ids(), row);
    }
    if constexpr (category == Category::multimodal) {
      for (std::size_t kind = 0; kind < payload_names.size(); ++kind) {
        if (!batch.has_payload_bytes(kind)) continue;
        to = json ? put_key(put_key(put_text(put_key(to, ",\""), payload_names[kind]), "\""), ":")
                  : put_key(to, ",");
        to = put_items(to, batch.payload_bytes(kind), row);
      }
    }
    to = json ? put_key(to, "}\n") : put_key(to, "\n");
  }
  return to;
}

template <TextFormat format>
char* put_rows(const Batch& batch, char* to) noexcept {
  switch (batch.category()) {
    case Category::language:
      return put_rows<format, Category::language>(batch, to);
    case Category::reason:
      return put_rows<format, Category::reason>(batch, to);
    case Category::multimodal:
      return put_rows<format, Category::multimodal>(batch, to);
  }
  return to;
}

// Room for every row at its longest, so that no write has to look.
std::size_t longest_text(const Batch& batch, TextFormat format) noexcept {
  const bool json = format == TextFormat::jsonl;
  const std::size_t key = json ? longest_key : 1;
  std::size_t row = (json ? 2 : 1) + key + TimestampWriter::longest + numbers_in_row * (key + longest_number);
  std::size_t items = 0;
  if (batch.category() == Category::multimodal) {
    row += 2 * lists_in_row * (key + 4);
    items = batch.image_tokens().values.size() + batch.audio_tokens().values.size() +
            batch.video_tokens().values.size();
    for (std::size_t kind = 0; kind < payload_names.size(); ++kind)
      items += batch.payload_bytes(kind).values.size();
  }
  if (batch.has_hash_ids()) {
    row += key + 4;
    items += batch.hash_ids().values.size();
  }
  if (batch.has_sessions()) row += 3 * key + longest_long_number + longest_number + TimestampWriter::longest;
  return batch.size() * row + items * (longest_number + 1) + number_room;
}

std::string header_of(const std::vector<ColumnInfo>& columns, TextFormat format) {
  std::string header;
  if (format == TextFormat::jsonl) return header;
  for (const ColumnInfo& column : columns) header.append(column.name).push_back(',');
  header.back() = '\n';
  return header;
}

}  // namespace

std::string text_header(const Job& job, TextFormat format) {
  return header_of(column_infos(job.profile().category(), job.optional_columns()), format);
}

std::string text_header(Category category, TextFormat format) {
  return header_of(column_infos(category, {}), format);
}

void append_rows(const Batch& batch, TextFormat format, Column<char>& out) {
  const std::size_t begin = out.size();
  out.resize(begin + longest_text(batch, format));
  char* const to = out.data() + begin;
  const char* const end = format == TextFormat::csv ? put_rows<TextFormat::csv>(batch, to)
                                                    : put_rows<TextFormat::jsonl>(batch, to);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

}  // namespace tracetide
