// Puts requests of sessions among those that stand alone.
#pragma once

#include <cstddef>
#include <span>

#include "engine/prompt_blocks.hpp"
#include "sessions/session_rows.hpp"
#include "tracetide/batch.hpp"

namespace tracetide {

/// The rows of `columns` from `begin` on stand alone and are in order; `rows`, in order as well, are merged
/// into them; they are rows of `all`, which has their items. At equal times the order is by client, then
/// alone before sessions. `blocks`, unless null, has the same rows.
void merge_sessions(std::span<const SessionRow> rows, const SessionRows& all, Category category,
                    std::size_t begin, Columns& columns, RowBlocks* blocks);

}  // namespace tracetide
