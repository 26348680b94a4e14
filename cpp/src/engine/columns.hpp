// Operations on whole columns.
#pragma once

#include <cstddef>

#include "tracetide/batch.hpp"

namespace tracetide {

/// Removes all rows, keeping the memory.
void clear(Columns& columns) noexcept;
void reserve(Columns& columns, Category category, std::size_t rows);
/// Appends rows first .. first + n - 1 of `from`.
void append_rows(Columns& to, const Columns& from, std::size_t first, std::size_t n);

}  // namespace tracetide
