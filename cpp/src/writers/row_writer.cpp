#include "writers/row_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "engine/job_state.hpp"
#include "engine/session_plan.hpp"
#include "writers/decimal.hpp"
#include "writers/time_text.hpp"

namespace tracetide {
namespace {

constexpr std::uint64_t most_ids = std::uint64_t{1} << 31;
constexpr double latest_time = 1e10;  // s; what readers take for a time
constexpr std::size_t longest_real = 24;
constexpr std::size_t longest_value = 64;  // of a cell but lists and texts; chat has two numbers and a key

// Chats of sessions and of requests that stand alone have numbers of their own: turn t of session s is
// s + (t - 1) * 2^36, and the first is the session's own number; alone ones are those from 2^52 on. All are
// below 2^53, so that they are exact as double as well.
constexpr std::uint64_t most_sessions = std::uint64_t{1} << 36;
constexpr std::uint64_t first_alone_chat = std::uint64_t{1} << 52;

char* put_text(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* put_real(char* to, double value) noexcept { return std::to_chars(to, to + longest_real, value).ptr; }

char* put_list(char* to, const ListView& list, std::size_t row, bool is_csv) noexcept {
  const std::uint32_t* item = list.values.data() + list.offsets[row];
  const std::uint32_t* const end = list.values.data() + list.offsets[row + 1];
  const bool quotes = is_csv && end - item > 1;
  if (quotes) *to++ = '"';
  *to = '[';
  char* last = to + 1;
  for (; item != end; ++item) last = to = put_number(to + 1, *item);
  *last++ = ']';
  if (quotes) *last++ = '"';
  return last;
}

std::string_view text_of(const TextView& column, std::size_t row) noexcept {
  const auto begin = static_cast<std::size_t>(column.offsets[row]);
  return {column.bytes.data() + begin, static_cast<std::size_t>(column.offsets[row + 1]) - begin};
}

// At most six characters for each.
char* put_json_text(char* to, std::string_view text) noexcept {
  constexpr char hex[] = "0123456789abcdef";
  *to++ = '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *to++ = '\\';
      *to++ = c;
    } else if (code < 0x20) {
      to = put_text(to, "\\u00");
      *to++ = hex[code >> 4];
      *to++ = hex[code & 15];
    } else {
      *to++ = c;
    }
  }
  *to++ = '"';
  return to;
}

char* put_csv_text(char* to, std::string_view text) noexcept {
  const bool plain = text.find_first_of("\",\r\n") == std::string_view::npos &&
                     (text.empty() || (text.front() != ' ' && text.back() != ' '));
  if (plain) return put_text(to, text);
  *to++ = '"';
  for (const char c : text) {
    if (c == '"') *to++ = '"';
    *to++ = c;
  }
  *to++ = '"';
  return to;
}

// Of an input that is written with at least one token.
std::size_t blocks_of(std::uint32_t tokens, std::uint32_t block_size) noexcept {
  return tokens == 0 ? 1 : tokens / block_size + (tokens % block_size != 0);
}

std::uint64_t whole_number(const ColumnView& column, std::size_t row) noexcept {
  return std::visit(
      [row](const auto& values) -> std::uint64_t {
        using View = std::decay_t<decltype(values)>;
        if constexpr (std::is_same_v<View, ListView> || std::is_same_v<View, TextView>) {
          return 0;
        } else {
          return static_cast<std::uint64_t>(values[row]);
        }
      },
      column);
}

// The types of native columns.
void check_kind(const ColumnInfo& column) {
  ColumnKind wanted = column.kind;
  for (const std::string_view name : {"timestamp", "delay", "elapsed_time"})
    if (column.name == name) wanted = ColumnKind::real;
  for (const std::string_view name :
       {"client_id", "input_tokens", "output_tokens", "reason_tokens", "text_tokens"})
    if (column.name == name) wanted = ColumnKind::u32;
  for (const std::string_view name : {"image_tokens", "audio_tokens", "video_tokens", "hash_ids"})
    if (column.name == name) wanted = ColumnKind::list;
  if (column.name == "turn") wanted = ColumnKind::u16;
  if (column.name == "session_id" && column.kind != ColumnKind::text) wanted = ColumnKind::u64;
  if (column.kind != wanted)
    throw std::invalid_argument("columns: '" + column.name + "' is not of the kind of its native column");
}

}  // namespace

RowOptions row_options(const Job& job, HashIds hash_ids) {
  RowOptions options{.hash_ids = hash_ids, .block_size = job.block_size()};
  if (const auto& sessions = job.state().sessions; job.conversations() && sessions) {
    options.first_new_session = sessions->first_id(0);
    options.session_horizon_ns = sessions->horizon_ns;
  }
  return options;
}

RowWriter::RowWriter(TraceFormat format, std::vector<ColumnInfo> given, RowOptions options)
    : format_(format), container_(container(format)), given_(std::move(given)), options_(options) {
  if (options_.block_size == 0) options_.block_size = format_block_size(format_);
  for (const ColumnInfo& column : given_) check_kind(column);
  FormatPlan plan = plan_format(format_, given_, options_.hash_ids);
  left_out_ = std::move(plan.left_out);
  timestamp_ = column_of("timestamp");
  input_ = column_of("input_tokens");
  output_ = column_of("output_tokens");
  has_session_ = is_given("session_id");
  if (has_session_) session_ = column_of("session_id");
  if (is_given("turn")) turn_ = column_of("turn");
  if (is_given("delay")) delay_ = column_of("delay");
  if (is_given("reason_tokens")) reason_ = column_of("reason_tokens");
  has_images_ = is_given("image_tokens") || is_given("image_count");
  if (has_images_) images_ = column_of(is_given("image_count") ? "image_count" : "image_tokens");
  add_pieces(plan.cells);
  for (const FormatCell& cell : plan.cells) {
    has_begins_ |= cell.put == Put::session_start;
    has_fillers_ |= cell.put == Put::filler_ids;
    // Where they only ride along, they may be of any blocks.
    if (cell.key == "hash_ids" && cell.put == Put::items && format_block_size(format_) != 0)
      hash_ids_ = column_of("hash_ids") + 1;
  }
  has_session_lines_ =
      format_ == TraceFormat::llmservingsim && has_session_ && is_given("turn") && is_given("delay");
  if (format_ == TraceFormat::bailian && has_session_ &&
      (given_[session_].kind != ColumnKind::u64 || !is_given("turn"))) {
    throw std::invalid_argument("columns: bailian needs whole numbers as session_id, and turn");
  }
}

void RowWriter::add_pieces(std::span<const FormatCell> cells) {
  const bool json = container_ == TextFormat::jsonl;
  std::string before;
  for (const FormatCell& cell : cells) {
    if (json) {
      before += before.empty() && pieces_.empty() ? "{" : ",";
      if (!cell.key.empty()) before.append("\"").append(cell.key).append("\":");
    } else {
      if (!header_.empty()) before += ",";
      header_.append(header_.empty() ? "" : ",").append(cell.key);
    }
    before.append(cell.constant);
    if (cell.put == Put::constant) continue;
    add_piece(before, cell.put, cell.column.empty() ? 0 : column_of(cell.column));
    before.clear();
  }
  if (!header_.empty()) header_ += '\n';
  end_ = before + (json ? "}\n" : "\n");
  fixed_length_ = end_.size() + pieces_.size() * (longest_value + Piece::room);
}

void RowWriter::add_piece(std::string_view before, Put put, std::size_t column) {
  while (before.size() > Piece::room) {
    Piece piece;
    std::copy_n(before.begin(), Piece::room, piece.before);
    piece.length = Piece::room;
    pieces_.push_back(piece);
    before.remove_prefix(Piece::room);
  }
  Piece piece;
  std::copy(before.begin(), before.end(), piece.before);
  piece.length = static_cast<std::uint8_t>(before.size());
  piece.put = put;
  piece.column = static_cast<std::uint16_t>(column);
  pieces_.push_back(piece);
}

std::size_t RowWriter::column_of(std::string_view name) const {
  const auto found =
      std::find_if(given_.begin(), given_.end(), [&](const ColumnInfo& one) { return one.name == name; });
  if (found == given_.end()) throw std::invalid_argument("columns: '" + std::string(name) + "' is missing");
  return static_cast<std::size_t>(found - given_.begin());
}

bool RowWriter::is_given(std::string_view name) const {
  return std::any_of(given_.begin(), given_.end(), [&](const ColumnInfo& one) { return one.name == name; });
}

RowWriter::Prepared RowWriter::prepare(const Rows& rows) {
  Prepared prepared;
  prepared.first_row = next_row_;
  prepared.first_filler = next_filler_;
  if (format_block_size(format_) != 0) count_without_tokens(rows);
  if (hash_ids_ != 0) check_hash_ids(rows);
  if (has_fillers_) count_fillers(rows);
  if (has_begins_) mark_begins(rows, prepared.begins);
  check_times(rows, prepared.begins);
  if (format_ == TraceFormat::bailian && has_session_) check_chats(rows);
  if (has_session_lines_) collect_sessions(rows, prepared.lines);
  next_row_ += rows.size;
  return prepared;
}

void RowWriter::check_times(const Rows& rows, const Column<std::uint8_t>& begins) const {
  const auto timestamp = std::get<std::span<const double>>(rows.columns[timestamp_]);
  const auto is_time = [](double time) { return time >= 0 && time < latest_time; };
  for (std::size_t row = 0; row < rows.size; ++row) {
    if (is_time(timestamp[row])) continue;
    const bool is_later = has_begins_ && begins[row] == 0 && std::isnan(timestamp[row]);
    if (is_later && is_given("delay") &&
        is_time(std::get<std::span<const double>>(rows.columns[delay_])[row]))
      continue;
    throw std::invalid_argument(
        row_name(row) +
        (std::isnan(timestamp[row]) ? ": it has no timestamp" : ": its timestamp is no time") +
        (is_later ? " and no delay" : "") + ", which " + std::string(name(format_)) +
        " does not allow; it must be from 0 to 1e10 s");
  }
}

void RowWriter::check_chats(const Rows& rows) const {
  const auto sessions = std::get<std::span<const std::uint64_t>>(rows.columns[session_]);
  const auto turns = std::get<std::span<const std::uint16_t>>(rows.columns[turn_]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    if (sessions[row] == no_session || (sessions[row] < most_sessions && turns[row] != 0)) continue;
    throw std::invalid_argument(row_name(row) + ": session_id " + std::to_string(sessions[row]) +
                                " with turn " + std::to_string(turns[row]) +
                                " is not allowed for bailian; it must be below 2^36, and turns from 1 on");
  }
}

std::string RowWriter::row_name(std::size_t row) const {
  return "row " + std::to_string(next_row_ + row + 1);
}

void RowWriter::count_without_tokens(const Rows& rows) {
  const auto input = std::get<std::span<const std::uint32_t>>(rows.columns[input_]);
  const auto output = std::get<std::span<const std::uint32_t>>(rows.columns[output_]);
  for (std::size_t row = 0; row < rows.size; ++row)
    without_tokens_ += static_cast<std::uint64_t>(input[row] == 0 || output[row] == 0);
}

void RowWriter::check_hash_ids(const Rows& rows) const {
  const auto input = std::get<std::span<const std::uint32_t>>(rows.columns[input_]);
  const ListView ids = std::get<ListView>(rows.columns[hash_ids_ - 1]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    const auto found = static_cast<std::size_t>(ids.offsets[row + 1] - ids.offsets[row]);
    const std::size_t wanted = blocks_of(input[row], options_.block_size);
    if (found == wanted) continue;
    throw std::invalid_argument(
        row_name(row) + ": " + std::to_string(found) + " hash_ids for " + std::to_string(input[row]) +
        " input_tokens are not allowed; with blocks of " + std::to_string(options_.block_size) +
        " tokens there must be " + std::to_string(wanted) +
        "; give the block size of the ids, or leave the ids or the row out");
  }
}

void RowWriter::count_fillers(const Rows& rows) {
  for (const std::uint32_t tokens : std::get<std::span<const std::uint32_t>>(rows.columns[input_]))
    next_filler_ += blocks_of(tokens, options_.block_size);
  if (next_filler_ > most_ids) {
    throw std::invalid_argument(
        row_name(0) +
        " or below: hash_ids from 2^31 on are not allowed; leave them out, use larger "
        "blocks or fewer requests");
  }
}

void RowWriter::mark_begins(const Rows& rows, Column<std::uint8_t>& begins) {
  begins.resize(rows.size);
  const auto turn = std::get<std::span<const std::uint16_t>>(rows.columns[turn_]);
  if (const auto* texts = std::get_if<TextView>(&rows.columns[session_])) {
    for (std::size_t row = 0; row < rows.size; ++row) {
      const std::string_view id = text_of(*texts, row);
      begins[row] = id.empty() || begun_texts_.emplace(id).second;
    }
    return;
  }
  for (std::size_t row = 0; row < rows.size; ++row) {
    const std::uint64_t id = whole_number(rows.columns[session_], row);
    begins[row] =
        id == no_session || (id >= options_.first_new_session ? turn[row] == 1 : begun_.insert(id).second);
  }
}

void RowWriter::append(const Rows& rows, const Prepared& prepared, Column<char>& out) const {
  const std::size_t start = out.size();
  out.resize(start + longest_text(rows));
  char* to = out.data() + start;
  const bool is_csv = container_ == TextFormat::csv;
  const auto missing = [is_csv](char* place) { return is_csv ? place : put_text(place, "null"); };
  TimestampWriter seconds;
  TimestampWriter delays;
  DateWriter dates(date_origin_s);
  std::uint64_t filler = prepared.first_filler;
  const auto timestamp = std::get<std::span<const double>>(rows.columns[timestamp_]);
  const auto input = std::get<std::span<const std::uint32_t>>(rows.columns[input_]);
  const auto output = std::get<std::span<const std::uint32_t>>(rows.columns[output_]);
  const auto session_at = [&](std::size_t row) -> std::uint64_t {
    if (const auto* ids = std::get_if<std::span<const std::uint64_t>>(&rows.columns[session_]))
      return (*ids)[row];
    if (const auto* texts = std::get_if<TextView>(&rows.columns[session_]))
      return text_of(*texts, row).empty() ? no_session : 0;
    return whole_number(rows.columns[session_], row);
  };

  for (std::size_t row = 0; row < rows.size; ++row) {
    if (has_session_lines_ && session_at(row) != no_session) continue;
    for (const Piece& piece : pieces_) {
      std::memcpy(to, piece.before, Piece::room);
      to += piece.length;
      const ColumnView& column = rows.columns[piece.column];
      switch (piece.put) {
        case Put::constant:
          break;
        case Put::number:
          if (const auto* values = std::get_if<std::span<const std::uint32_t>>(&column)) {
            to = put_number(to, (*values)[row]);
          } else {
            to = put_long_number(to, whole_number(column, row));
          }
          break;
        case Put::tokens:
          to = put_number(to, std::max(1u, std::get<std::span<const std::uint32_t>>(column)[row]));
          break;
        case Put::seconds: {
          const double value = std::get<std::span<const double>>(column)[row];
          to = value >= 0 ? (piece.column == timestamp_ ? seconds : delays).put(to, value) : missing(to);
          break;
        }
        case Put::milliseconds:
          to = put_milliseconds(to, timestamp[row]);
          break;
        case Put::microseconds:
          to = put_microseconds(to, timestamp[row]);
          break;
        case Put::nanoseconds:
          to = put_nanoseconds(to, timestamp[row]);
          break;
        case Put::date:
          to = dates.put(to, timestamp[row]);
          break;
        case Put::real: {
          const double value = std::get<std::span<const double>>(column)[row];
          to = std::isfinite(value) ? put_real(to, value) : missing(to);
          break;
        }
        case Put::label: {
          if (const auto* texts = std::get_if<TextView>(&column)) {
            const std::string_view text = text_of(*texts, row);
            if (is_csv) {
              to = put_csv_text(to, text);
            } else {
              to = text.empty() ? missing(to) : put_json_text(to, text);
            }
            break;
          }
          const std::uint64_t value = whole_number(column, row);
          if (value == no_session && given_[piece.column].kind == ColumnKind::u64) {
            to = missing(to);
          } else if (!is_csv && piece.column == session_ && format_ == TraceFormat::mooncake_session) {
            *to++ = '"';  // its readers take only texts
            to = put_long_number(to, value);
            *to++ = '"';
          } else {
            to = put_long_number(to, value);
          }
          break;
        }
        case Put::items:
          to = put_list(to, std::get<ListView>(column), row, is_csv);
          break;
        case Put::item_count: {
          const ListView& list = std::get<ListView>(column);
          to = put_number(to, static_cast<std::uint32_t>(list.offsets[row + 1] - list.offsets[row]));
          break;
        }
        case Put::item_sum: {
          const ListView& list = std::get<ListView>(column);
          std::uint64_t sum = 0;
          for (std::int32_t i = list.offsets[row]; i < list.offsets[row + 1]; ++i)
            sum += list.values[static_cast<std::size_t>(i)];
          to = put_long_number(to, sum);
          break;
        }
        case Put::both_tokens:
          to = put_long_number(to, std::uint64_t{input[row]} + output[row]);
          break;
        case Put::row:
          to = put_long_number(to, prepared.first_row + row);
          break;
        case Put::round: {
          const std::uint64_t turn = whole_number(column, row);
          to = put_long_number(to, turn > 0 ? turn - 1 : 0);
          break;
        }
        case Put::reason_ratio: {
          const auto reason = std::get<std::span<const std::uint32_t>>(rows.columns[reason_]);
          to = put_real(to, output[row] != 0 ? static_cast<double>(reason[row]) / output[row] : 0.0);
          break;
        }
        case Put::filler_ids: {
          *to = '[';
          char* last = to + 1;
          for (std::size_t left = blocks_of(input[row], options_.block_size); left != 0; --left)
            last = to = put_number(to + 1, static_cast<std::uint32_t>(filler++));
          *last = ']';
          to = last + 1;
          break;
        }
        case Put::session_start: {
          const auto delay =
              delay_ != 0 ? std::get<std::span<const double>>(rows.columns[delay_])[row] : -1.0;
          if (prepared.begins[row] != 0 || !(delay >= 0)) {
            to = put_milliseconds(put_text(to, "\"timestamp\":"), timestamp[row]);
          } else {
            to = put_milliseconds(put_text(to, "\"delay\":"), delay);
          }
          break;
        }
        case Put::chat: {
          std::uint64_t chat = prepared.first_row + row + (has_session_ ? first_alone_chat : 0);
          std::int64_t parent = -1;
          if (has_session_ && session_at(row) != no_session) {
            const auto turn = std::get<std::span<const std::uint16_t>>(rows.columns[turn_])[row];
            chat = session_at(row) + (turn - std::uint64_t{1}) * most_sessions;
            if (turn > 1) parent = static_cast<std::int64_t>(chat - most_sessions);
          }
          to = put_long_number(put_text(to, "\"chat_id\":"), chat);
          to = put_text(to, ",\"parent_chat_id\":");
          to = parent < 0 ? put_text(to, "-1") : put_long_number(to, static_cast<std::uint64_t>(parent));
          break;
        }
        case Put::chat_type: {
          bool image = false;
          if (has_images_) {
            const auto* list = std::get_if<ListView>(&rows.columns[images_]);
            image = list != nullptr ? list->offsets[row + 1] > list->offsets[row]
                                    : whole_number(rows.columns[images_], row) != 0;
          }
          to = put_text(to, image ? "\"image\"" : "\"text\"");
          break;
        }
        case Put::log_type:
          to = put_text(to, has_session_ && session_at(row) != no_session ? "Conversation log" : "API log");
          break;
      }
    }
    to = put_text(to, end_);
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  const std::size_t lines = prepared.lines.size();
  if (lines == 0) return;
  out.resize(out.size() + lines);
  std::memcpy(out.data() + out.size() - lines, prepared.lines.data(), lines);
}

// Room for every row at its longest, so that no write has to look.
std::size_t RowWriter::longest_text(const Rows& rows) const {
  std::size_t items = 0;
  std::size_t characters = 0;
  for (const Piece& piece : pieces_) {
    const ColumnView& column = rows.columns[piece.column];
    if (piece.put == Put::items) items += std::get<ListView>(column).values.size();
    if (piece.put == Put::filler_ids) {
      for (const std::uint32_t tokens : std::get<std::span<const std::uint32_t>>(column))
        items += blocks_of(tokens, options_.block_size);
    }
    if (piece.put == Put::label) {
      if (const auto* texts = std::get_if<TextView>(&column)) {
        characters +=
            6 * static_cast<std::size_t>(texts->offsets[rows.size] - texts->offsets[0]) + 2 * rows.size;
      }
    }
  }
  return rows.size * fixed_length_ + items * (longest_number + 1) + characters + number_room + Piece::room;
}

// Sessions stand in one line each, which can be written when they have ended; requests that stand alone are
// not held back for that, as the reader sorts.
void RowWriter::collect_sessions(const Rows& rows, Column<char>& lines) {
  const auto timestamp = std::get<std::span<const double>>(rows.columns[timestamp_]);
  const auto input = std::get<std::span<const std::uint32_t>>(rows.columns[input_]);
  const auto output = std::get<std::span<const std::uint32_t>>(rows.columns[output_]);
  const auto delay = std::get<std::span<const double>>(rows.columns[delay_]);
  const auto* texts = std::get_if<TextView>(&rows.columns[session_]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    std::string key;
    if (texts != nullptr) {
      key = text_of(*texts, row);
      if (key.empty()) continue;
    } else {
      const std::uint64_t id = whole_number(rows.columns[session_], row);
      if (id == no_session) continue;
      key = std::to_string(id);
    }
    const auto [place, is_new] = open_.try_emplace(key, OpenSession{timestamp[row]});
    if (is_new) opened_.push_back(key);
    place->second.turns.push_back({input[row], output[row], delay[row] >= 0 ? delay[row] : 0.0});
  }
  if (options_.session_horizon_ns == 0 || rows.size == 0) return;
  const double ended = timestamp.back() - static_cast<double>(options_.session_horizon_ns) / 1e9;
  while (!opened_.empty() && open_.at(opened_.front()).begin < ended) {
    const auto session = open_.find(opened_.front());
    put_session_line(session->first, session->second, lines);
    open_.erase(session);
    opened_.pop_front();
  }
}

void RowWriter::put_session_line(const std::string& key, const OpenSession& session,
                                 Column<char>& out) const {
  constexpr std::size_t longest_turn = 128;
  const std::size_t begin = out.size();
  out.resize(begin + 6 * key.size() + longest_turn * (session.turns.size() + 1));
  char* to = out.data() + begin;
  to = put_json_text(put_text(to, "{\"session_id\":"), key);
  to = put_nanoseconds(put_text(to, ",\"arrival_time_ns\":"), session.begin);
  to = put_text(to, ",\"sub_requests\":");
  for (std::size_t i = 0; i < session.turns.size(); ++i) {
    const Turn& turn = session.turns[i];
    const bool is_last = i + 1 == session.turns.size();
    to = put_number(put_text(to, i == 0 ? "[{\"input_toks\":" : ",{\"input_toks\":"), turn.input);
    to = put_number(put_text(to, ",\"output_toks\":"), turn.output);
    // The wait behind a turn is the delay of the next.
    to = put_nanoseconds(put_text(to, ",\"tool_duration_ns\":"), is_last ? 0.0 : session.turns[i + 1].delay);
    *to++ = '}';
  }
  to = put_text(to, "]}\n");
  out.resize(static_cast<std::size_t>(to - out.data()));
}

void RowWriter::finish(Column<char>& out) {
  for (const std::string& key : opened_) put_session_line(key, open_.at(key), out);
  open_.clear();
  opened_.clear();
}

}  // namespace tracetide
