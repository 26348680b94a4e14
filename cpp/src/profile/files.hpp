// Reading a file at once, and replacing one so that it is always complete.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace tracetide {

/// Puts the content of a regular file into `content`, whose memory is reused.
/// @throws std::filesystem::filesystem_error
void read_file(const std::filesystem::path& path, std::string& content);

/// Writes a temporary file beside `path`, flushes it to the disk, and renames it to `path`. Whatever
/// fails, `path` is as it was and the temporary file is gone; what a killed process left of one is removed.
/// A link stays one, and a file keeps its rights; one that is read-only is refused. Pipes and character
/// devices are written as they are.
/// @throws std::filesystem::filesystem_error
void replace_file(const std::filesystem::path& path, std::span<const std::byte> content);

}  // namespace tracetide
