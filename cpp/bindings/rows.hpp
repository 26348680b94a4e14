// What streams of text and writers of rows share.
#pragma once

#include <memory>
#include <string>

#include "writers/row_writer.hpp"

namespace tracetide::bindings {

/// "fill" or "leave". @throws std::invalid_argument
[[nodiscard]] HashIds parse_hash_ids(const std::string& name);
[[nodiscard]] std::unique_ptr<RowWriter> job_row_writer(const Job& job, const std::string& format,
                                                        const std::string& hash_ids);

}  // namespace tracetide::bindings
