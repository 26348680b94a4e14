// Rows in the text format of another tool.
//
// What a row looks like may depend on those before: its number, ids that are used once, how many rows of its
// session there were. `prepare` settles that, in the order of the trace and quickly; `append` then writes the
// rows, on any thread. Every cell is a key as it stands in the file and a value, so that a row costs a copy
// of a few bytes and one number for each.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/column_views.hpp"
#include "tracetide/job.hpp"
#include "writers/trace_format.hpp"
#include "writers/turn_deltas.hpp"

namespace tracetide {

/// 2026-01-01 00:00:00 UTC, from which formats of dates count.
inline constexpr std::int64_t date_origin_s = 1'767'225'600;

struct RowOptions {
  HashIds hash_ids = HashIds::fill;
  std::uint32_t block_size = 0;  ///< of ids; 0: the format's own
  /// Numeric ids of sessions from this one on begin in the trace, with turn 1, and lack no turn; of others it
  /// is remembered how far they are.
  std::uint64_t first_new_session = ~std::uint64_t{0};
  std::int64_t session_horizon_ns = 0;  ///< by which sessions end after their first turn; 0: not known
};
[[nodiscard]] RowOptions row_options(const Job& job, HashIds hash_ids);

/// The columns of some rows, in the order of the `given` of a RowWriter, and of its kinds.
struct Rows {
  std::vector<ColumnView> columns{};
  std::size_t size = 0;
};

class RowWriter {
 public:
  /// @throws std::invalid_argument if a column that the format needs is missing or of a wrong kind
  RowWriter(TraceFormat format, std::vector<ColumnInfo> given, RowOptions options);
  // Cells point into `given_`.
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  ~RowWriter() = default;

  [[nodiscard]] const std::string& header() const noexcept { return header_; }
  [[nodiscard]] const std::vector<std::string>& left_out() const noexcept { return left_out_; }
  /// Rows that have been prepared without input or output tokens, where the format wants at least 1: they are
  /// written with 1.
  [[nodiscard]] std::uint64_t rows_without_tokens() const noexcept { return without_tokens_; }
  /// Rows that have been prepared as turns that begin another session, since the format tells what a turn
  /// adds and they cannot be told so.
  [[nodiscard]] std::uint64_t split_turns() const noexcept { return deltas_.split_turns(); }

  struct Prepared {
    std::uint64_t first_row = 0;
    std::uint64_t first_filler = 0;
    Column<std::uint32_t> places{};    ///< by row, how many rows of its session are above; where that counts
    Column<char> lines{};              ///< of sessions that have ended
    std::vector<TurnDelta> deltas{};   ///< by row, where the format has them
    std::vector<std::uint32_t> ids{};  ///< of all deltas
  };
  /// For the next rows of the trace. @throws std::invalid_argument naming a row that the format cannot tell
  [[nodiscard]] Prepared prepare(const Rows& rows);
  void append(const Rows& rows, const Prepared& prepared, Column<char>& out) const;
  /// What remains to be written behind the last row.
  void finish(Column<char>& out);

 private:
  class CellWriter;
  struct Piece {
    static constexpr std::size_t room = 48;
    char before[room]{};
    std::uint8_t length = 0;
    Put put = Put::constant;
    std::uint16_t column = 0;
  };
  struct Turn {
    std::uint32_t input = 0;
    std::uint32_t output = 0;
    double delay = 0;  // s, before it
  };
  /// Of a session, what is above.
  struct Progress {
    std::uint32_t rows = 0;
    std::uint16_t turn = 0;  // of the last one
  };
  struct OpenSession {
    double begin = 0;
    std::vector<Turn> turns{};
  };

  void add_pieces(std::span<const FormatCell> cells);
  void add_piece(std::string_view before, Put put, std::size_t column);
  [[nodiscard]] std::optional<std::size_t> find_column(std::string_view name) const;
  [[nodiscard]] std::size_t column_of(std::string_view name) const;
  [[nodiscard]] std::size_t longest_text(const Rows& rows) const;
  [[nodiscard]] std::string row_name(std::size_t row) const;
  void check_delays(const Rows& rows) const;
  void count_without_tokens(const Rows& rows);
  void check_times(const Rows& rows, const Column<std::uint32_t>& places) const;
  void check_chats(const Rows& rows) const;
  void check_hash_ids(const Rows& rows) const;
  [[nodiscard]] std::invalid_argument too_many_ids() const;
  void count_fillers(const Rows& rows, const Prepared& prepared);
  [[nodiscard]] std::span<const std::uint32_t> ids_of(const Rows& rows, std::size_t row) const;
  [[nodiscard]] TurnDelta delta_of(const Rows& rows, std::size_t row);
  void find_deltas(const Rows& rows, Prepared& prepared);
  void number_ids(const Rows& rows, Prepared& prepared);
  void find_places(const Rows& rows, Column<std::uint32_t>& places);
  [[nodiscard]] std::uint32_t next_place(Progress& session, const Rows& rows, std::size_t row) const;
  void collect_sessions(const Rows& rows, Column<char>& lines);
  void put_session_line(const std::string& key, const OpenSession& session, Column<char>& out) const;

  TraceFormat format_;
  TextFormat container_;
  std::vector<ColumnInfo> given_;
  RowOptions options_;
  std::vector<Piece> pieces_;
  std::string header_;
  std::string end_;  // of a row
  std::vector<std::string> left_out_;
  std::size_t fixed_length_ = 0;  // of a row at its longest, without lists and texts
  bool has_begins_ = false;       // the first row of a session is another than the others
  bool has_places_ = false;
  bool has_chats_ = false;  // made of sessions and places
  bool has_fillers_ = false;
  bool has_session_lines_ = false;
  bool has_deltas_ = false;
  std::size_t timestamp_ = 0, input_ = 0, output_ = 0;
  std::optional<std::size_t> session_, turn_, delay_, images_;
  std::optional<std::size_t> hash_ids_;  // where their number is checked

  // What depends on earlier rows.
  std::uint64_t next_row_ = 0;
  std::uint64_t next_filler_ = 0;
  std::uint64_t without_tokens_ = 0;
  TurnDeltas deltas_;
  DeltaIds delta_ids_;
  std::unordered_map<std::uint64_t, Progress> sessions_;
  std::unordered_map<std::string, Progress> text_sessions_;
  std::unordered_map<std::string, OpenSession> open_;
  std::deque<std::string> opened_;  // in order
};

}  // namespace tracetide
