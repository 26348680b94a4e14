// Operations on whole columns.
#pragma once

#include <array>
#include <cstddef>

#include "tracetide/batch.hpp"

namespace tracetide {

/// Offsets of list columns are 32-bit. @throws std::length_error saying so
void check_items(std::size_t items);
/// Values in the lists of rows first .. first + n - 1.
[[nodiscard]] std::size_t list_values(const Columns& columns, std::size_t first, std::size_t n) noexcept;
/// Removes all rows, keeping the memory.
void clear(Columns& columns) noexcept;
void reserve(Columns& columns, Category category, std::size_t rows);
/// Appends rows first .. first + n - 1 of `from`.
void append_rows(Columns& to, const Columns& from, std::size_t first, std::size_t n);
/// The lists of items, by kind.
[[nodiscard]] std::array<ListColumn*, 3> item_lists(Columns& columns) noexcept;
/// Fills the bytes of items: those that stand for a token, by kind, times its tokens; nothing where they are
/// 0.
void put_payload_bytes(const std::array<double, 3>& bytes_per_token, Columns& columns);

}  // namespace tracetide
