// The text formats of other tools, as lists of cells: what stands under which key, made of which column.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/column_views.hpp"
#include "tracetide/writers.hpp"
#include "writers/text.hpp"

namespace tracetide {

class Planner;

/// A text format of another tool; each is defined in a file of its own, in `formats`.
struct TraceFormat {
  std::string_view name;  ///< as users write it: "mooncake-session"
  TextFormat container;
  std::uint32_t block_size = 0;    ///< tokens of a block where the format has hash ids, else 0
  bool quotes_sessions = false;    ///< its readers take only texts as ids of sessions
  bool has_session_lines = false;  ///< a session is one line
  bool has_deltas = false;         ///< a turn is what it adds to those before
  void (*plan)(Planner& plan);     ///< puts the cells

  static const TraceFormat mooncake;
  static const TraceFormat mooncake_session;
  static const TraceFormat mooncake_delta;
  static const TraceFormat bailian;
  static const TraceFormat burstgpt;
  static const TraceFormat azure;
  static const TraceFormat vidur;
  static const TraceFormat blis;
  static const TraceFormat llmservingsim;
  static const TraceFormat splitwise;
};
/// @throws std::invalid_argument
[[nodiscard]] const TraceFormat& parse_trace_format(std::string_view name);

/// How a cell is made of its column, if of any.
enum class Put : std::uint8_t {
  constant,       ///< what stands before the cell is all
  number,         ///< a column of whole numbers
  signed_number,  ///< a column of whole numbers of 64 bits that may be below 0
  tokens,         ///< a column of token counts, at least 1
  real,           ///< a column of reals, the shortest text that reads the same; missing: null or nothing
  seconds,        ///< a column of times in s; missing: null or nothing
  milliseconds,   ///< these as times in ms, and so on
  microseconds,
  nanoseconds,
  date,
  label,          ///< a text, or a number that is one in JSON; missing: null or nothing
  items,          ///< a list of whole numbers
  item_count,     ///< how many items a list has
  item_sum,       ///< their sum
  both_tokens,    ///< of input and output
  row,            ///< the number of the row, from 0
  round,          ///< how many rows of its session are above; 0 where the request stands alone
  think_time,     ///< a delay in whole microseconds; missing: 0
  reason_ratio,   ///< reasoning tokens of the output, from 0 to 1
  filler_ids,     ///< as many ids as the input has blocks, never used before
  part_label,     ///< of the session, and which of its parts; see TurnDeltas
  new_tokens,     ///< what a turn adds to those before
  delta_ids,      ///< ids of what it adds, of the whole prompt of a first turn
  session_start,  ///< the time of a session's first turn, or the delay of a later one
  chat,           ///< chat_id and parent_chat_id
  chat_type,      ///< text, or image where there are any
  log_type,       ///< of a conversation, or of a request that stands alone
};

struct FormatCell {
  std::string_view key{};
  Put put = Put::constant;
  std::string_view column{};    ///< the native name
  std::string_view constant{};  ///< as it is written
};

/// What is written of a trace in a format.
struct FormatPlan {
  std::vector<FormatCell> cells{};
  std::vector<std::string> left_out{};  ///< native columns that the format cannot tell, or only in part
};

/// The cells for the columns that a trace has. Keys of further columns are views into `given`.
/// @throws std::invalid_argument if a column is missing, or of a wrong kind
[[nodiscard]] FormatPlan plan_format(const TraceFormat& format, std::span<const ColumnInfo> given,
                                     HashIds hash_ids);

}  // namespace tracetide
