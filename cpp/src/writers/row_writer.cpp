#include "writers/row_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/access.hpp"
#include "engine/job_state.hpp"
#include "engine/session_plan.hpp"
#include "writers/cells.hpp"
#include "writers/decimal.hpp"
#include "writers/time_text.hpp"

namespace tracetide {
namespace {

constexpr std::uint64_t most_ids = std::uint64_t{1} << 31;
constexpr double latest_time = 9223372036.0;  // s; whole nanoseconds in 64 bits
constexpr std::size_t longest_real = 24;
constexpr std::size_t longest_value = 64;  // of a cell but lists and texts; chat has two numbers and a key

// Chats of sessions and of requests that stand alone have numbers of their own: row r of session s, from 0,
// is s + r * 2^36, so that the first is the session's own number, and every parent is there; alone ones are
// those from 2^52 on. All are below 2^53, so that they are exact as double as well.
constexpr std::uint64_t most_sessions = std::uint64_t{1} << 36;
constexpr std::uint64_t first_alone_chat = std::uint64_t{1} << 52;

bool is_time(double seconds) noexcept { return seconds >= 0 && seconds < latest_time; }

char* put_real(char* to, double value) noexcept { return std::to_chars(to, to + longest_real, value).ptr; }

char* put_items(char* to, const ListView& list, std::size_t row, bool is_csv) noexcept {
  return put_list(to, list.values.data() + list.offsets[row], list.values.data() + list.offsets[row + 1],
                  is_csv);
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

std::string json_key(std::string_view key) {
  std::string text(6 * key.size() + 3, ':');
  text.resize(static_cast<std::size_t>(put_json_text(text.data(), key) + 1 - text.data()));
  return text;
}

std::string csv_name(std::string_view name) {
  std::string text(2 * name.size() + 2, ' ');
  text.resize(static_cast<std::size_t>(put_csv_text(text.data(), name) - text.data()));
  return text;
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

void check_kind(const ColumnInfo& column) {
  ColumnKind wanted = column.name == "elapsed_time" ? ColumnKind::real : column.kind;
  for (const NativeColumn& native : native_columns)
    if (column.name == native.name) wanted = native.kind();
  if (column.name == "session_id" && column.kind == ColumnKind::text) wanted = ColumnKind::text;
  if (column.kind != wanted)
    throw std::invalid_argument("columns: '" + column.name + "' is not of the kind of its native column");
}

}  // namespace

RowOptions row_options(const Job& job, HashIds hash_ids) {
  RowOptions options{.hash_ids = hash_ids, .block_size = job.block_size()};
  if (const auto& sessions = Access::state(job).sessions; job.conversations() && sessions) {
    options.first_new_session = sessions->first_id(0);
    options.session_horizon_ns = sessions->horizon_ns;
  }
  return options;
}

RowWriter::RowWriter(TraceFormat format, std::vector<ColumnInfo> given, RowOptions options)
    : format_(format),
      container_(format.container),
      given_(std::move(given)),
      options_(options),
      delta_ids_(most_ids) {
  if (options_.block_size == 0) options_.block_size = format_.block_size;
  for (const ColumnInfo& column : given_) check_kind(column);
  FormatPlan plan = plan_format(format_, given_, options_.hash_ids);
  left_out_ = std::move(plan.left_out);
  timestamp_ = column_of("timestamp");
  input_ = column_of("input_tokens");
  output_ = column_of("output_tokens");
  session_ = find_column("session_id");
  turn_ = find_column("turn");
  delay_ = find_column("delay");
  images_ = find_column("image_count");
  if (!images_) images_ = find_column("image_tokens");
  add_pieces(plan.cells);
  for (const FormatCell& cell : plan.cells) {
    has_begins_ |= cell.put == Put::session_start;
    has_chats_ |= cell.put == Put::chat && session_.has_value();
    has_places_ |= cell.put == Put::round;
    has_fillers_ |= cell.put == Put::filler_ids;
    // Where they only ride along, they may be of any blocks.
    const bool has_lists = cell.put == Put::items || cell.put == Put::delta_ids;
    if (cell.key == "hash_ids" && has_lists && format_.block_size != 0) hash_ids_ = column_of("hash_ids");
  }
  has_session_lines_ = format_.has_session_lines && session_ && turn_ && delay_;
  has_begins_ |= has_session_lines_;  // later turns stand in the line of the first, and need no time
  has_deltas_ = format_.has_deltas;
  has_places_ = session_ && (has_places_ || has_begins_ || has_chats_ || has_session_lines_);
  if (has_chats_ && (given_[*session_].kind != ColumnKind::u64 || !turn_)) {
    throw std::invalid_argument("columns: bailian needs whole numbers as session_id, and turn");
  }
}

void RowWriter::add_pieces(std::span<const FormatCell> cells) {
  const bool json = container_ == TextFormat::jsonl;
  std::string before;
  for (const FormatCell& cell : cells) {
    if (json) {
      before += before.empty() && pieces_.empty() ? '{' : ',';
      if (cell.put != Put::session_start && cell.put != Put::chat) before += json_key(cell.key);
    } else {
      if (!header_.empty()) before += ',';
      header_.append(header_.empty() ? "" : ",").append(csv_name(cell.key));
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

std::optional<std::size_t> RowWriter::find_column(std::string_view name) const {
  return tracetide::find_column(given_, name);
}

std::size_t RowWriter::column_of(std::string_view name) const {
  if (const auto column = find_column(name)) return *column;
  throw std::invalid_argument("columns: '" + std::string(name) + "' is missing");
}

// Whatever the format makes of them.
void RowWriter::check_delays(const Rows& rows) const {
  if (!delay_) return;
  const auto delay = std::get<std::span<const double>>(rows.columns[*delay_]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    if (is_time(delay[row]) || std::isnan(delay[row])) continue;
    throw std::invalid_argument(row_name(row) +
                                ": its delay is no time; it must be from 0 to 9223372036 s, or missing");
  }
}

RowWriter::Prepared RowWriter::prepare(const Rows& rows) {
  check_delays(rows);
  Prepared prepared;
  prepared.first_row = next_row_;
  prepared.first_filler = next_filler_;
  if (format_.block_size != 0) count_without_tokens(rows);
  if (hash_ids_) check_hash_ids(rows);
  if (has_chats_) check_chats(rows);
  if (has_places_) find_places(rows, prepared.places);
  if (has_deltas_) find_deltas(rows, prepared);
  if (has_fillers_) count_fillers(rows, prepared);
  check_times(rows, prepared.places);
  if (has_session_lines_) collect_sessions(rows, prepared.lines);
  next_row_ += rows.size;
  return prepared;
}

void RowWriter::check_times(const Rows& rows, const Column<std::uint32_t>& places) const {
  const auto timestamp = std::get<std::span<const double>>(rows.columns[timestamp_]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    if (is_time(timestamp[row])) continue;
    const bool is_later = has_begins_ && places[row] != 0 && std::isnan(timestamp[row]);
    if (is_later && delay_ && is_time(std::get<std::span<const double>>(rows.columns[*delay_])[row]))
      continue;
    throw std::invalid_argument(
        row_name(row) +
        (std::isnan(timestamp[row]) ? ": it has no timestamp" : ": its timestamp is no time") +
        (is_later ? " and no delay" : "") + ", which " + std::string(format_.name) +
        " does not allow; it must be from 0 to 9223372036 s");
  }
}

void RowWriter::check_chats(const Rows& rows) const {
  const auto sessions = std::get<std::span<const std::uint64_t>>(rows.columns[*session_]);
  const auto turns = std::get<std::span<const std::uint16_t>>(rows.columns[*turn_]);
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
  const ListView ids = std::get<ListView>(rows.columns[*hash_ids_]);
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

void RowWriter::count_fillers(const Rows& rows, const Prepared& prepared) {
  const auto input = std::get<std::span<const std::uint32_t>>(rows.columns[input_]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    const std::uint32_t tokens = has_deltas_ ? prepared.deltas[row].new_tokens : input[row];
    next_filler_ += blocks_of(tokens, options_.block_size);
  }
  if (next_filler_ > most_ids) throw too_many_ids();
}

std::invalid_argument RowWriter::too_many_ids() const {
  return std::invalid_argument(row_name(0) +
                               " or below: hash_ids from 2^31 on are not allowed; leave them out, use larger "
                               "blocks or fewer requests");
}

std::span<const std::uint32_t> RowWriter::ids_of(const Rows& rows, std::size_t row) const {
  if (!hash_ids_) return {};
  const ListView ids = std::get<ListView>(rows.columns[*hash_ids_]);
  const auto begin = static_cast<std::size_t>(ids.offsets[row]);
  return ids.values.subspan(begin, static_cast<std::size_t>(ids.offsets[row + 1]) - begin);
}

TurnDelta RowWriter::delta_of(const Rows& rows, std::size_t row) {
  const TurnDeltas::Turn turn{std::get<std::span<const std::uint32_t>>(rows.columns[input_])[row],
                              std::get<std::span<const std::uint32_t>>(rows.columns[output_])[row],
                              ids_of(rows, row), options_.block_size};
  const TurnDelta alone{std::max(1u, turn.input), 0, 0};
  if (!session_) return alone;
  if (const auto* texts = std::get_if<TextView>(&rows.columns[*session_])) {
    const std::string_view id = text_of(*texts, row);
    return id.empty() ? alone : deltas_.next(id, turn);
  }
  const std::uint64_t id = whole_number(rows.columns[*session_], row);
  if (id == no_session) return alone;
  if (id < options_.first_new_session || options_.session_horizon_ns == 0) return deltas_.next(id, turn);
  const double time = std::get<std::span<const double>>(rows.columns[timestamp_])[row];
  return deltas_.next(id, turn, time, static_cast<double>(options_.session_horizon_ns) / 1e9);
}

// The place of a turn is then that in its part of the session.
void RowWriter::find_deltas(const Rows& rows, Prepared& prepared) {
  prepared.deltas.resize(rows.size);
  for (std::size_t row = 0; row < rows.size; ++row) {
    prepared.deltas[row] = delta_of(rows, row);
    if (has_places_) prepared.places[row] = prepared.deltas[row].place;
  }
  if (hash_ids_) number_ids(rows, prepared);
}

void RowWriter::number_ids(const Rows& rows, Prepared& prepared) {
  for (std::size_t row = 0; row < rows.size; ++row) {
    const TurnDelta& delta = prepared.deltas[row];
    const bool is_enough =
        delta.place == 0 ? delta_ids_.add_first(ids_of(rows, row), prepared.ids)
                         : delta_ids_.add_new(blocks_of(delta.new_tokens, options_.block_size), prepared.ids);
    if (!is_enough) throw too_many_ids();
  }
}

void RowWriter::find_places(const Rows& rows, Column<std::uint32_t>& places) {
  places.assign(rows.size, 0);
  if (const auto* texts = std::get_if<TextView>(&rows.columns[*session_])) {
    for (std::size_t row = 0; row < rows.size; ++row) {
      const std::string_view id = text_of(*texts, row);
      if (!id.empty()) places[row] = next_place(text_sessions_[std::string(id)], rows, row);
    }
    return;
  }
  for (std::size_t row = 0; row < rows.size; ++row) {
    const std::uint64_t id = whole_number(rows.columns[*session_], row);
    if (id == no_session) continue;
    if (turn_ && id >= options_.first_new_session && !has_deltas_) {
      places[row] = std::get<std::span<const std::uint16_t>>(rows.columns[*turn_])[row] - 1u;
    } else {
      places[row] = next_place(sessions_[id], rows, row);
    }
  }
}

// Rows of a session follow one another in the formats that have them, so they must do so in the trace.
std::uint32_t RowWriter::next_place(Progress& session, const Rows& rows, std::size_t row) const {
  if (turn_) {
    const auto turn = std::get<std::span<const std::uint16_t>>(rows.columns[*turn_])[row];
    if (session.rows != 0 && turn <= session.turn) {
      throw std::invalid_argument(row_name(row) + ": turn " + std::to_string(turn) + " behind turn " +
                                  std::to_string(session.turn) + " of its session is not allowed for " +
                                  std::string(format_.name) + "; the turns of a session must rise");
    }
    session.turn = turn;
  }
  return session.rows++;
}

// Writes the cells of some rows, one after the other. Lives for one call of `append`.
class RowWriter::CellWriter {
 public:
  CellWriter(const RowWriter& writer, const Rows& rows, const Prepared& prepared)
      : writer_(writer),
        rows_(rows),
        prepared_(prepared),
        is_csv_(writer.container_ == TextFormat::csv),
        filler_(prepared.first_filler),
        timestamp_(std::get<std::span<const double>>(rows.columns[writer.timestamp_])),
        input_(std::get<std::span<const std::uint32_t>>(rows.columns[writer.input_])),
        output_(std::get<std::span<const std::uint32_t>>(rows.columns[writer.output_])) {}

  [[nodiscard]] bool is_in_session(std::size_t row) const noexcept {
    if (!writer_.session_) return false;
    const ColumnView& sessions = rows_.columns[*writer_.session_];
    if (const auto* texts = std::get_if<TextView>(&sessions)) return !text_of(*texts, row).empty();
    return whole_number(sessions, row) != no_session;
  }

  char* put_row(char* to, std::size_t row) {
    for (const Piece& piece : writer_.pieces_) {
      std::memcpy(to, piece.before, Piece::room);
      to = put_value(to + piece.length, piece, row);
    }
    return put_text(to, writer_.end_);
  }

 private:
  [[nodiscard]] std::uint32_t place(std::size_t row) const noexcept {
    return prepared_.places.empty() ? 0 : prepared_.places[row];
  }

  [[nodiscard]] std::size_t blocks(std::size_t row) const noexcept {
    const std::uint32_t tokens = prepared_.deltas.empty() ? input_[row] : prepared_.deltas[row].new_tokens;
    return blocks_of(tokens, writer_.options_.block_size);
  }

  char* put_value(char* to, const Piece& piece, std::size_t row) {
    const ColumnView& column = rows_.columns[piece.column];
    switch (piece.put) {
      case Put::constant:
        return to;
      case Put::number:
        if (const auto* values = std::get_if<std::span<const std::uint32_t>>(&column))
          return put_number(to, (*values)[row]);
        return put_long_number(to, whole_number(column, row));
      case Put::tokens:
        return put_number(to, std::max(1u, std::get<std::span<const std::uint32_t>>(column)[row]));
      case Put::real:
        return put_real_or_missing(to, std::get<std::span<const double>>(column)[row]);
      case Put::seconds:
        return put_seconds(to, piece, std::get<std::span<const double>>(column)[row]);
      case Put::milliseconds:
        return put_milliseconds(to, timestamp_[row]);
      case Put::microseconds:
        return put_microseconds(to, timestamp_[row]);
      case Put::nanoseconds:
        return put_nanoseconds(to, timestamp_[row]);
      case Put::date:
        return dates_.put(to, timestamp_[row]);
      case Put::label:
        return put_label(to, piece, column, row);
      case Put::items:
        return put_items(to, std::get<ListView>(column), row, is_csv_);
      case Put::item_count:
        return put_number(to, item_count(std::get<ListView>(column), row));
      case Put::item_sum:
        return put_long_number(to, item_sum(std::get<ListView>(column), row));
      case Put::both_tokens:
        return put_long_number(to, std::uint64_t{input_[row]} + output_[row]);
      case Put::row:
        return put_long_number(to, prepared_.first_row + row);
      case Put::signed_number: {
        const std::uint64_t value = whole_number(column, row);
        const bool is_negative = value > std::numeric_limits<std::int64_t>::max();
        if (is_negative) *to++ = '-';
        return put_long_number(to, is_negative ? ~value + 1 : value);
      }
      case Put::round:
        return put_number(to, place(row));
      case Put::think_time: {
        const double delay = std::get<std::span<const double>>(column)[row];
        return delay >= 0 ? put_microseconds(to, delay) : put_number(to, 0);
      }
      case Put::reason_ratio:
        return put_reason_ratio(to, std::get<std::span<const std::uint32_t>>(column)[row], output_[row]);
      case Put::filler_ids:
        return put_filler_ids(to, blocks(row));
      case Put::part_label:
        return put_part_label(to, piece, column, row);
      case Put::new_tokens:
        return put_number(to, prepared_.deltas[row].new_tokens);
      case Put::delta_ids:
        return put_delta_ids(to, blocks(row));
      case Put::session_start:
        return put_session_start(to, row);
      case Put::chat:
        return put_chat(to, row);
      case Put::chat_type:
        return put_text(to, has_images(row) ? "\"image\"" : "\"text\"");
      case Put::log_type:
        return put_text(to, is_in_session(row) ? "Conversation log" : "API log");
    }
    return to;
  }

  [[nodiscard]] char* put_missing(char* to) const noexcept { return is_csv_ ? to : put_text(to, "null"); }

  [[nodiscard]] char* put_real_or_missing(char* to, double value) const noexcept {
    return std::isfinite(value) ? put_real(to, value) : put_missing(to);
  }

  char* put_seconds(char* to, const Piece& piece, double value) noexcept {
    if (!(value >= 0)) return put_missing(to);
    return (piece.column == writer_.timestamp_ ? seconds_ : delays_).put(to, value);
  }

  [[nodiscard]] char* put_label(char* to, const Piece& piece, const ColumnView& column,
                                std::size_t row) const noexcept {
    if (const auto* texts = std::get_if<TextView>(&column)) {
      const std::string_view text = text_of(*texts, row);
      if (is_csv_) return put_csv_text(to, text);
      return text.empty() ? put_missing(to) : put_json_text(to, text);
    }
    const std::uint64_t value = whole_number(column, row);
    if (value == no_session && std::holds_alternative<std::span<const std::uint64_t>>(column))
      return put_missing(to);
    const bool is_quoted = writer_.format_.quotes_sessions && writer_.session_ == piece.column;
    if (is_quoted) *to++ = '"';
    to = put_long_number(to, value);
    if (is_quoted) *to++ = '"';
    return to;
  }

  // `7#2` is the second part of session 7.
  [[nodiscard]] char* put_part_label(char* to, const Piece& piece, const ColumnView& column,
                                     std::size_t row) const noexcept {
    to = put_label(to, piece, column, row);
    const std::uint32_t part = prepared_.deltas[row].part;
    if (part == 0) return to;
    *(to - 1) = '#';
    to = put_number(to, part + 1);
    *to++ = '"';
    return to;
  }

  [[nodiscard]] static std::uint32_t item_count(const ListView& list, std::size_t row) noexcept {
    return static_cast<std::uint32_t>(list.offsets[row + 1] - list.offsets[row]);
  }

  [[nodiscard]] static std::uint64_t item_sum(const ListView& list, std::size_t row) noexcept {
    std::uint64_t sum = 0;
    for (std::int32_t i = list.offsets[row]; i < list.offsets[row + 1]; ++i)
      sum += list.values[static_cast<std::size_t>(i)];
    return sum;
  }

  [[nodiscard]] static char* put_reason_ratio(char* to, std::uint32_t reason, std::uint32_t output) noexcept {
    return put_real(to, output != 0 ? static_cast<double>(reason) / output : 0.0);
  }

  [[nodiscard]] char* put_filler_ids(char* to, std::size_t blocks) noexcept {
    *to = '[';
    char* last = to + 1;
    for (; blocks != 0; --blocks) last = to = put_number(to + 1, static_cast<std::uint32_t>(filler_++));
    *last = ']';
    return last + 1;
  }

  [[nodiscard]] char* put_delta_ids(char* to, std::size_t count) noexcept {
    const std::uint32_t* const first = prepared_.ids.data() + next_id_;
    next_id_ += count;
    return put_list(to, first, first + count, false);
  }

  [[nodiscard]] char* put_session_start(char* to, std::size_t row) const noexcept {
    const double delay =
        writer_.delay_ ? std::get<std::span<const double>>(rows_.columns[*writer_.delay_])[row] : -1.0;
    if (place(row) == 0 || !(delay >= 0))
      return put_milliseconds(put_text(to, "\"timestamp\":"), timestamp_[row]);
    return put_milliseconds(put_text(to, "\"delay\":"), delay);
  }

  [[nodiscard]] char* put_chat(char* to, std::size_t row) const noexcept {
    std::uint64_t chat = prepared_.first_row + row + (writer_.session_ ? first_alone_chat : 0);
    if (is_in_session(row))
      chat = whole_number(rows_.columns[*writer_.session_], row) + place(row) * most_sessions;
    to = put_text(put_long_number(put_text(to, "\"chat_id\":"), chat), ",\"parent_chat_id\":");
    return place(row) != 0 ? put_long_number(to, chat - most_sessions) : put_text(to, "-1");
  }

  [[nodiscard]] bool has_images(std::size_t row) const noexcept {
    if (!writer_.images_) return false;
    const ColumnView& images = rows_.columns[*writer_.images_];
    const auto* list = std::get_if<ListView>(&images);
    return list != nullptr ? item_count(*list, row) != 0 : whole_number(images, row) != 0;
  }

  const RowWriter& writer_;
  const Rows& rows_;
  const Prepared& prepared_;
  bool is_csv_;
  std::uint64_t filler_;
  std::size_t next_id_ = 0;
  std::span<const double> timestamp_;
  std::span<const std::uint32_t> input_;
  std::span<const std::uint32_t> output_;
  TimestampWriter seconds_{};
  TimestampWriter delays_{};
  DateWriter dates_{date_origin_s};
};

void RowWriter::append(const Rows& rows, const Prepared& prepared, Column<char>& out) const {
  const std::size_t start = out.size();
  out.resize(start + longest_text(rows));
  char* to = out.data() + start;
  CellWriter cells(*this, rows, prepared);
  for (std::size_t row = 0; row < rows.size; ++row) {
    if (!has_session_lines_ || !cells.is_in_session(row)) to = cells.put_row(to, row);
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  const std::size_t end = out.size();
  out.resize(end + prepared.lines.size());
  std::copy(prepared.lines.begin(), prepared.lines.end(), out.begin() + static_cast<std::ptrdiff_t>(end));
}

// Room for every row at its longest, so that no write has to look.
std::size_t RowWriter::longest_text(const Rows& rows) const {
  std::size_t items = 0;
  std::size_t characters = 0;
  for (const Piece& piece : pieces_) {
    const ColumnView& column = rows.columns[piece.column];
    if (piece.put == Put::items || piece.put == Put::delta_ids) {
      const auto offsets = std::get<ListView>(column).offsets;
      items += static_cast<std::size_t>(offsets[rows.size] - offsets[0]);
    }
    if (piece.put == Put::filler_ids) {
      for (const std::uint32_t tokens : std::get<std::span<const std::uint32_t>>(column))
        items += blocks_of(tokens, options_.block_size);
    }
    if (piece.put == Put::label || piece.put == Put::part_label) {
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
  const auto delay = std::get<std::span<const double>>(rows.columns[*delay_]);
  const auto* texts = std::get_if<TextView>(&rows.columns[*session_]);
  for (std::size_t row = 0; row < rows.size; ++row) {
    std::string key;
    if (texts != nullptr) {
      key = text_of(*texts, row);
      if (key.empty()) continue;
    } else {
      const std::uint64_t id = whole_number(rows.columns[*session_], row);
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
