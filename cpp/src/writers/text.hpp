// Rows of a batch as text: CSV or JSON lines.
//
// A timestamp is in seconds with at most nine decimals and no trailing zeros (12, 12.5, 0.000000001): the
// nearest whole nanosecond. Below 2^23 s (97 days) that is the nanosecond it stands for, and reading the text
// gives the same double.
//
// A list is a JSON array; in CSV within quotes where it has a comma ("[256,512]" but [256] and []), as CSV
// writers do. pandas reads it as text for json.loads; DuckDB as VARCHAR or, with the column declared
// UINTEGER[], as a list.
//
// A session's id and a delay that a request does not have are null in JSON, nothing in CSV.
//
// Cost on one core: about 10 ns a row for CSV and 13 ns for JSON lines, 2 ns more for every list item.
#pragma once

#include <cstdint>
#include <string>

#include "tracetide/batch.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

enum class TextFormat : std::uint8_t { csv, jsonl };

/// What precedes the rows: the line of column names of a CSV file, nothing for JSON lines.
[[nodiscard]] std::string text_header(const Job& job, TextFormat format);
/// The same of a job without conversations and hash ids.
[[nodiscard]] std::string text_header(Category category, TextFormat format);

/// Appends one line a row. All columns of the category must be present.
/// `out` gets room for the rows at their longest (two to three times what they need) before they are written:
/// use one buffer again and again, which then allocates nothing and touches no fresh memory.
void append_rows(const Batch& batch, TextFormat format, Column<char>& out);

}  // namespace tracetide
