#include "engine/columns.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <type_traits>

#include "engine/column_table.hpp"

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

template <class T>
void clear(Column<T>& column) noexcept {
  column.clear();
}

}  // namespace

std::size_t list_values(const Columns& columns, std::size_t first, std::size_t n) noexcept {
  std::size_t values = 0;
  for (const NativeColumn& native : native_columns) {
    std::visit(
        [&](auto place) {
          const auto& column = column_at(columns, place);
          if constexpr (std::is_same_v<decltype(column), const ListColumn&>)
            if (!column.offsets.empty())
              values += static_cast<std::size_t>(column.offsets[first + n] - column.offsets[first]);
        },
        native.place);
  }
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
  for (const NativeColumn& native : native_columns)
    std::visit([&](auto place) { clear(column_at(columns, place)); }, native.place);
}

void reserve(Columns& columns, Category category, std::size_t rows) {
  for (const NativeColumn& native : native_columns) {
    if (!native.is_in(category, {})) continue;
    std::visit(
        [&](auto place) {
          auto& column = column_at(columns, place);
          if constexpr (!std::is_same_v<decltype(column), ListColumn&>) column.reserve(rows);
        },
        native.place);
  }
}

void append_rows(Columns& to, const Columns& from, std::size_t first, std::size_t n) {
  for (const NativeColumn& native : native_columns)
    std::visit([&](auto place) { append(column_at(to, place), column_at(from, place), first, n); },
               native.place);
}

std::array<ListColumn*, 3> item_lists(Columns& columns) noexcept {
  return {&columns.image_tokens, &columns.audio_tokens, &columns.video_tokens};
}

void put_payload_bytes(const std::array<double, 3>& bytes_per_token, Columns& columns) {
  const std::array<ListColumn*, 3> tokens = item_lists(columns);
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
