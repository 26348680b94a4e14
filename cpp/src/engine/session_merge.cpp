#include "engine/session_merge.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/columns.hpp"

namespace tracetide {
namespace {

double seconds(std::int64_t ns) noexcept { return static_cast<double>(ns) / 1e9; }

// Where each row goes among all, counted from `begin`.
std::vector<std::size_t> places(std::span<const SessionRow> rows, std::size_t begin, const Columns& columns) {
  std::vector<std::size_t> place(rows.size());
  const double* const time = columns.timestamp.data();
  const std::size_t end = columns.timestamp.size();
  std::size_t at = begin;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double own = seconds(rows[i].time_ns);
    std::size_t step = 1;
    while (at + step < end && time[at + step] < own) {
      at += step;
      step *= 2;
    }
    at = static_cast<std::size_t>(std::lower_bound(time + at, time + std::min(end, at + step), own) - time);
    while (at < end && time[at] == own && columns.client_id[at] <= rows[i].client) ++at;
    place[i] = at - begin + i;
  }
  return place;
}

// Moves the values from `begin` on apart, from the last on, and fills the gaps with value(row).
template <class T, class Value>
void spread(Column<T>& column, std::size_t begin, std::span<const std::size_t> place, Value&& value) {
  std::size_t end = column.size();
  column.resize(end + place.size());
  T* const data = column.data();
  for (std::size_t i = place.size(); i-- > 0;) {
    const std::size_t to = begin + place[i];
    // Runs between two sessions are short: too short for a call of memmove.
    for (std::size_t from = end; from-- > to - i;) data[from + i + 1] = data[from];
    data[to] = value(i);
    end = to - i;
  }
}

void spread_items(std::span<const SessionRow> rows, std::span<const std::size_t> place,
                  const SessionRows& all, std::size_t kind, std::size_t begin, ListColumn& list) {
  if (list.offsets.empty()) list.offsets.push_back(0);
  const std::size_t alone = list.offsets.size() - 1 - begin;
  const auto first = static_cast<std::ptrdiff_t>(list.offsets[begin]);
  const Column<std::int32_t> offsets(list.offsets.begin() + static_cast<std::ptrdiff_t>(begin),
                                     list.offsets.end());
  const Column<std::uint32_t> values(list.values.begin() + first, list.values.end());
  std::size_t more = 0;
  for (const SessionRow& row : rows) more += all.items_of[row.items].count[kind];
  check_items(list.values.size() + more);
  list.offsets.resize(begin + 1);
  list.values.resize(static_cast<std::size_t>(first));
  std::size_t next = 0;
  const auto add = [&](const std::uint32_t* from, std::size_t count) {
    list.values.insert(list.values.end(), from, from + count);
    list.offsets.push_back(static_cast<std::int32_t>(list.values.size()));
  };
  for (std::size_t i = 0; i < alone + rows.size(); ++i) {
    if (next < rows.size() && place[next] == i) {
      const TurnItems& own = all.items_of[rows[next].items];
      add(all.items[kind].data() + own.first[kind], own.count[kind]);
      ++next;
    } else {
      const std::size_t own = i - next;
      add(values.data() + (offsets[own] - offsets[0]),
          static_cast<std::size_t>(offsets[own + 1] - offsets[own]));
    }
  }
}

}  // namespace

void merge_sessions(std::span<const SessionRow> rows, const SessionRows& all, Category category,
                    std::size_t begin, Columns& columns, RowBlocks* blocks) {
  const std::size_t alone = columns.timestamp.size();
  columns.session_id.resize(alone);
  columns.turn.resize(alone);
  columns.delay.resize(alone);
  const auto from = static_cast<std::ptrdiff_t>(begin);
  std::fill(columns.session_id.begin() + from, columns.session_id.end(), no_session);
  std::fill(columns.turn.begin() + from, columns.turn.end(), std::uint16_t{1});
  std::fill(columns.delay.begin() + from, columns.delay.end(), std::numeric_limits<double>::quiet_NaN());
  if (rows.empty()) return;
  const std::vector<std::size_t> place = places(rows, begin, columns);
  spread(columns.timestamp, begin, place, [&](std::size_t i) { return seconds(rows[i].time_ns); });
  spread(columns.client_id, begin, place, [&](std::size_t i) { return rows[i].client; });
  spread(columns.input_tokens, begin, place, [&](std::size_t i) { return rows[i].input; });
  spread(columns.output_tokens, begin, place, [&](std::size_t i) { return rows[i].output; });
  spread(columns.session_id, begin, place, [&](std::size_t i) { return rows[i].session; });
  spread(columns.turn, begin, place, [&](std::size_t i) { return static_cast<std::uint16_t>(rows[i].turn); });
  spread(columns.delay, begin, place, [&](std::size_t i) { return rows[i].delay_s; });
  const auto other = [&](std::size_t i) { return rows[i].other; };
  if (blocks != nullptr) {
    const auto of = [&](std::size_t i) -> const TurnBlocks& { return all.blocks_of[rows[i].blocks]; };
    spread(blocks->prompt, begin, place, [&](std::size_t i) { return of(i).prompt; });
    spread(blocks->window, begin, place, [&](std::size_t i) { return of(i).window; });
    spread(blocks->first, begin, place, [&](std::size_t i) { return of(i).first; });
    spread(blocks->tail, begin, place, [&](std::size_t i) { return of(i).tail; });
  }
  if (category == Category::reason) spread(columns.reason_tokens, begin, place, other);
  if (category != Category::multimodal) return;
  spread(columns.text_tokens, begin, place, other);
  const auto lists = item_lists(columns);
  for (std::size_t kind = 0; kind < lists.size(); ++kind)
    spread_items(rows, place, all, kind, begin, *lists[kind]);
}

}  // namespace tracetide
