// Pieces of error messages.
#pragma once

#include <array>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>

namespace tracetide {

/// The shortest decimal text that reads back as `value`.
[[nodiscard]] inline std::string number_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

/// At most 40 bytes of `text` in quotation marks, unprintable ones as '?', so that a message stays one
/// readable line whatever a file holds.
[[nodiscard]] inline std::string excerpt(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string result = "\"";
  for (const char c : text.substr(0, longest)) result += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > longest) result += "...";
  return result + '"';
}

/// A path as UTF-8.
[[nodiscard]] inline std::string path_text(const std::filesystem::path& path) {
  const auto text = path.u8string();
  return {text.begin(), text.end()};
}

}  // namespace tracetide
