// Any text as a profile's metadata: accepted if and only if a second reader accepts it, which has tokens and
// a table of what may follow where the first one has a function for each kind of value. And as a string: what
// was read is read once more from a text in which all of it is escaped.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "profile/json_text.hpp"

namespace {

/// The code point at `text`'s start, which is taken off; nothing where it is not UTF-8.
std::optional<unsigned> take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 0 || length > text.size() || first >= 0xF8) return std::nullopt;
  unsigned code = length == 1 ? first : first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80 || byte >= 0xC0) return std::nullopt;
    code = code << 6 | (byte & 0x3F);
  }
  const std::size_t shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  if (length != shortest || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
  text.remove_prefix(length);
  return code;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (!take_code_point(text)) return false;
  }
  return true;
}

constexpr std::string_view digits = "0123456789";
constexpr std::string_view hexadecimal = "0123456789abcdefABCDEF";

/// Any number of digits, at least one.
bool take_digits(std::string_view& text) {
  const std::size_t count = std::min(text.find_first_not_of(digits), text.size());
  text.remove_prefix(count);
  return count > 0;
}

bool take_one_of(std::string_view& text, std::string_view any) {
  const bool there = !text.empty() && any.find(text[0]) != any.npos;
  if (there) text.remove_prefix(1);
  return there;
}

bool is_number(std::string_view text) {
  take_one_of(text, "-");
  if (!take_one_of(text, "0") && !take_digits(text)) return false;
  if (take_one_of(text, ".") && !take_digits(text)) return false;
  if (take_one_of(text, "eE")) {
    take_one_of(text, "+-");
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

/// The four digits of a \u that has been taken.
std::optional<unsigned> take_code_unit(std::string_view& text) {
  if (text.size() < 4 || text.substr(0, 4).find_first_not_of(hexadecimal) != text.npos) return std::nullopt;
  const auto code = static_cast<unsigned>(std::strtoul(std::string(text.substr(0, 4)).c_str(), nullptr, 16));
  text.remove_prefix(4);
  return code;
}

/// A string whose first quotation mark has been taken. Surrogates are in pairs, though RFC 8259 has no rule.
bool take_string(std::string_view& text) {
  while (!text.empty()) {
    if (take_one_of(text, "\"")) return true;
    if (static_cast<unsigned char>(text[0]) < 0x20) return false;
    if (!take_one_of(text, "\\")) {
      text.remove_prefix(1);
    } else if (take_one_of(text, "u")) {
      const std::optional<unsigned> unit = take_code_unit(text);
      if (!unit || *unit >> 10 == 0xDC00 >> 10) return false;
      if (*unit >> 10 != 0xD800 >> 10) continue;
      if (!take_one_of(text, "\\") || !take_one_of(text, "u")) return false;
      const std::optional<unsigned> low = take_code_unit(text);
      if (!low || *low >> 10 != 0xDC00 >> 10) return false;
    } else if (!take_one_of(text, "\"\\/bfnrt")) {
      return false;
    }
  }
  return false;
}

/// The next token: itself where it is one character, 's' for a string, 'v' for another value, '.' for the
/// end,
/// '?' for what is no token.
char take_token(std::string_view& text) {
  while (take_one_of(text, " \t\r\n")) {
  }
  if (text.empty()) return '.';
  const char c = text[0];
  if (take_one_of(text, "{}[]:,")) return c;
  if (take_one_of(text, "\"")) return take_string(text) ? 's' : '?';
  const std::size_t length = std::min(text.find_first_of(" \t\r\n{}[]:,\""), text.size());
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word == "true" || word == "false" || word == "null" || is_number(word) ? 'v' : '?';
}

bool is_json_object(std::string_view text) {
  if (!is_utf8(text)) return false;
  constexpr std::size_t deepest = 64;
  std::string open;
  std::string_view allowed = "{";
  while (allowed != "end") {
    const char token = take_token(text);
    if (allowed.find(token) == allowed.npos) return false;
    const bool key = token == 's' && allowed[0] == 's';
    const bool value = !key && std::string_view("{[sv").find(token) != std::string_view::npos;
    if (value && open.size() > deepest) return false;
    if (token == '{' || token == '[') {
      open += token;
      allowed = token == '{' ? "s}" : "{[v]s";
    } else if (key) {
      allowed = ":";
    } else if (token == ':') {
      allowed = "{[vs";
    } else if (token == ',') {
      allowed = open.back() == '{' ? "s" : "{[vs";
    } else {
      if (token == '}' || token == ']') open.pop_back();
      allowed = open.empty() ? "end" : open.back() == '{' ? ",}" : ",]";
    }
  }
  return take_token(text) == '.';
}

void append_escape(std::string& text, unsigned unit) {
  text += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) text += hexadecimal[unit >> shift & 0xF];
}

std::string escaped(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::optional<unsigned> code = take_code_point(text);
    if (!code) std::abort();
    if (*code >= 0x10000) {
      append_escape(result, 0xD800 + ((*code - 0x10000) >> 10));
      append_escape(result, 0xDC00 + ((*code - 0x10000) & 0x3FF));
    } else {
      append_escape(result, *code);
    }
  }
  return result + '"';
}

void read_twice(const std::string& text) {
  std::string decoded;
  std::string_view content;
  try {
    content = tracetide::JsonCursor(text).string(decoded);
  } catch (const tracetide::TextError& error) {
    if (error.position() > text.size()) std::abort();
    return;
  }
  if (!is_utf8(text)) return;
  const std::string again = escaped(content);
  tracetide::JsonCursor cursor(again);
  std::string decoded_again;
  if (cursor.string(decoded_again) != content) std::abort();
  cursor.expect_end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bool accepted = true;
  try {
    tracetide::check_json_object(text);
  } catch (const tracetide::TextError& error) {
    accepted = false;
    if (error.position() > size) std::abort();
  }
  if (accepted != is_json_object(text)) std::abort();
  read_twice('"' + std::string(text));
  return 0;
}
