#include "sessions/session_rows.hpp"

#include <algorithm>
#include <stdexcept>

#include "math/bits.hpp"

namespace tracetide {
namespace {

void sort_by_key(std::span<SessionRow> rows) { std::ranges::sort(rows, {}, &SessionRow::key); }

// Requests at the same nanosecond are few.
void sort_ties(std::span<SessionRow> rows) {
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    end = begin + 1;
    while (end < rows.size() && rows[end].time_ns == rows[begin].time_ns) ++end;
    if (end - begin > 1) sort_by_key(rows.subspan(begin, end - begin));
  }
}

}  // namespace

std::uint32_t session_place(std::size_t place) {
  if (place > 0xFFFFFFFF) {
    throw std::length_error(
        "a window has more than 2^32 requests of sessions, or items of theirs; use a lower rate, or a "
        "profile with shorter windows");
  }
  return static_cast<std::uint32_t>(place);
}

void SessionRows::clear() noexcept {
  row.clear();
  items_of.clear();
  blocks_of.clear();
  for (auto& arena : items) arena.clear();
}

void SessionRows::add(const SessionRow& added, const SessionRows& from) {
  row.push_back(added);
  if (!from.blocks_of.empty()) {
    row.back().blocks = session_place(blocks_of.size());
    blocks_of.push_back(from.blocks_of[added.blocks]);
  }
  if (from.items_of.empty()) return;
  TurnItems own = from.items_of[added.items];
  for (std::size_t kind = 0; kind < item_kinds; ++kind) {
    const auto first = from.items[kind].begin() + own.first[kind];
    own.first[kind] = session_place(items[kind].size());
    items[kind].insert(items[kind].end(), first, first + own.count[kind]);
  }
  row.back().items = session_place(items_of.size());
  items_of.push_back(own);
}

void SessionRows::append(const SessionRows& from) {
  const std::size_t before = row.size();
  (void)session_place(before + from.row.size());  // as many as there are turns with items or blocks
  row.insert(row.end(), from.row.begin(), from.row.end());
  if (!from.blocks_of.empty()) {
    for (std::size_t i = before; i < row.size(); ++i)
      row[i].blocks += static_cast<std::uint32_t>(blocks_of.size());
    blocks_of.insert(blocks_of.end(), from.blocks_of.begin(), from.blocks_of.end());
  }
  if (from.items_of.empty()) return;
  for (std::size_t i = before; i < row.size(); ++i)
    row[i].items += static_cast<std::uint32_t>(items_of.size());
  for (std::size_t kind = 0; kind < item_kinds; ++kind)
    (void)session_place(items[kind].size() + from.items[kind].size());
  for (TurnItems own : from.items_of) {
    for (std::size_t kind = 0; kind < item_kinds; ++kind)
      own.first[kind] += static_cast<std::uint32_t>(items[kind].size());
    items_of.push_back(own);
  }
  for (std::size_t kind = 0; kind < item_kinds; ++kind)
    items[kind].insert(items[kind].end(), from.items[kind].begin(), from.items[kind].end());
}

// Numbers of a time and a place together are sorted a good deal faster than rows.
void SessionRows::sort() {
  if (row.size() < 2) return;
  const auto [first, last] = std::ranges::minmax(row, {}, &SessionRow::time_ns);
  const int index_bits = bit_length(row.size() - 1);
  if (bit_length(static_cast<std::uint64_t>(last.time_ns - first.time_ns)) + index_bits > 64) {
    sort_by_key(row);
    return;
  }
  std::vector<std::uint64_t> order(row.size());
  for (std::size_t i = 0; i < row.size(); ++i)
    order[i] = static_cast<std::uint64_t>(row[i].time_ns - first.time_ns) << index_bits | i;
  std::ranges::sort(order);
  const std::uint64_t mask = (std::uint64_t{1} << index_bits) - 1;
  std::vector<SessionRow> sorted;
  sorted.reserve(row.size());
  for (const std::uint64_t key : order) sorted.push_back(row[static_cast<std::size_t>(key & mask)]);
  row = std::move(sorted);
  sort_ties(row);
}

}  // namespace tracetide
