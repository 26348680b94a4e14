// Requests of sessions, in no particular order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "fields/request_fields.hpp"

namespace tracetide {

/// One turn of a session.
struct SessionRow {
  std::int64_t time_ns = 0;  ///< from the job's start
  std::uint64_t session = 0;
  double delay_s = 0;  ///< after the end of the turn before; NaN on the first
  std::uint32_t client = 0;
  std::uint32_t input = 0;
  std::uint32_t output = 0;
  std::uint32_t other = 0;  ///< reason: reasoning tokens; multimodal: text tokens
  std::uint32_t turn = 1;
  std::uint32_t items = 0;   ///< multimodal: into SessionRows::items_of
  std::uint32_t blocks = 0;  ///< with hash ids: into SessionRows::blocks_of

  /// The order of the trace; no two rows are equal in it.
  [[nodiscard]] auto key() const noexcept { return std::tuple(time_ns, client, session, turn); }
};

/// Where the items of a turn are in the arena, by kind.
struct TurnItems {
  std::array<std::uint32_t, item_kinds> first{};
  std::array<std::uint32_t, item_kinds> count{};
};

/// How the blocks of a turn's prompt are numbered. Turns of a session whose prompts begin with each other are
/// a chain: they share the whole blocks behind the system prompt; what is left at the end is a turn's own.
struct TurnBlocks {
  std::uint32_t prompt = 0;  ///< in PromptTemplates
  std::uint32_t chain = 0;   ///< counted by session that starts, sub-agents included
  std::int64_t window = 0;   ///< in which the session starts; the numbers count from its first
  std::uint64_t first = 0;   ///< whole blocks
  std::uint64_t tail = 0;    ///< the one that is left, if any
};

/// A place in the columns of SessionRows. @throws std::length_error if it does not fit into 32 bits
[[nodiscard]] std::uint32_t session_place(std::size_t place);

struct SessionRows {
  std::vector<SessionRow> row{};
  std::vector<TurnItems> items_of{};
  std::vector<TurnBlocks> blocks_of{};
  ItemArena items{};

  void clear() noexcept;
  /// Appends a row of `from` with its items.
  void add(const SessionRow& added, const SessionRows& from);
  void append(const SessionRows& from);
  /// Brings the rows into the order of the trace.
  void sort();
};

}  // namespace tracetide
