#include "profile/json_text.hpp"

#include <algorithm>
#include <array>

#include "base/message.hpp"

namespace tracetide {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

void append_utf8(std::string& text, unsigned code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

void JsonCursor::fail(const std::string& message) const { throw TextError(message, position_); }

std::string JsonCursor::found() const {
  return position_ < text_.size() ? excerpt(text_.substr(position_, 1)) : "the end of the text";
}

void JsonCursor::skip_space() noexcept {
  for (; position_ < text_.size(); ++position_) {
    const char c = text_[position_];
    if (c == '\n') {
      ++line_;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
  }
}

bool JsonCursor::take(char c) noexcept {
  skip_space();
  if (position_ >= text_.size() || text_[position_] != c) return false;
  ++position_;
  return true;
}

void JsonCursor::expect(char c) {
  if (!take(c)) fail(std::string("'") + c + "' expected, found " + found());
}

void JsonCursor::expect_end() {
  skip_space();
  if (position_ < text_.size()) fail("nothing more expected, found " + found());
}

std::string_view JsonCursor::string(std::string& decoded) {
  expect('"');
  const std::size_t begin = position_;
  const std::size_t quote = text_.find('"', begin);
  const std::string_view content = text_.substr(begin, quote == text_.npos ? text_.npos : quote - begin);
  if (content.find('\\') != content.npos) return decode(begin, decoded);
  if (quote == text_.npos) fail("a string without its closing '\"'");
  position_ = quote + 1;
  return content;
}

std::string_view JsonCursor::decode(std::size_t begin, std::string& decoded) {
  constexpr std::string_view escapes = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  decoded.clear();
  for (position_ = begin; position_ < text_.size();) {
    const char c = text_[position_++];
    if (c == '"') return decoded;
    if (c != '\\') {
      decoded += c;
      continue;
    }
    if (position_ == text_.size()) break;
    const char escape = text_[position_++];
    if (const std::size_t which = escapes.find(escape); which != escapes.npos) {
      decoded += meanings[which];
    } else if (escape == 'u') {
      unsigned code = code_unit();
      const bool high = code >= 0xD800 && code < 0xDC00;
      if (high && text_.substr(position_, 2) == "\\u") {
        position_ += 2;
        const unsigned low = code_unit();
        if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xD800 && code < 0xE000) {
        fail("half of a surrogate pair");
      }
      append_utf8(decoded, code);
    } else {
      fail("an escape that JSON does not have: " + excerpt(std::string{'\\', escape}));
    }
  }
  fail("a string without its closing '\"'");
}

unsigned JsonCursor::code_unit() {
  unsigned code = 0;
  for (int i = 0; i < 4; ++i, ++position_) {
    const char c = position_ < text_.size() ? text_[position_] : '\0';
    if (is_digit(c)) {
      code = code * 16 + static_cast<unsigned>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      code = code * 16 + static_cast<unsigned>((c | 0x20) - 'a' + 10);
    } else {
      fail("four hexadecimal digits expected after \\u");
    }
  }
  return code;
}

void JsonCursor::skip_word(std::string_view word) {
  if (text_.substr(position_, word.size()) != word) fail("a JSON value expected, found " + found());
  position_ += word.size();
}

void JsonCursor::skip_number() {
  const auto digits = [this] {
    const std::size_t begin = position_;
    while (position_ < text_.size() && is_digit(text_[position_])) ++position_;
    if (position_ == begin) fail("a digit expected, found " + found());
    return position_ - begin;
  };
  const auto next_is = [this](std::string_view any) {
    return position_ < text_.size() && any.find(text_[position_]) != any.npos;
  };
  if (next_is("-")) ++position_;
  const bool zero = next_is("0");
  if (digits() > 1 && zero) fail("a number that starts with 0");
  if (next_is(".")) {
    ++position_;
    digits();
  }
  if (next_is("eE")) {
    ++position_;
    if (next_is("+-")) ++position_;
    digits();
  }
}

void JsonCursor::skip_members(int depth, bool object) {
  const char close = object ? '}' : ']';
  if (take(close)) return;
  std::string decoded;
  do {
    if (object) {
      (void)string(decoded);
      expect(':');
    }
    skip_value(depth);
  } while (take(','));
  expect(close);
}

void JsonCursor::skip_value(int depth) {
  constexpr int deepest = 64;
  if (depth > deepest) fail("more than 64 levels");
  skip_space();
  const char c = position_ < text_.size() ? text_[position_] : '\0';
  switch (c) {
    case '{':
    case '[':
      ++position_;
      return skip_members(depth + 1, c == '{');
    case '"': {
      std::string decoded;
      (void)string(decoded);
      return;
    }
    case 't':
      return skip_word("true");
    case 'f':
      return skip_word("false");
    case 'n':
      return skip_word("null");
    default:
      if (c != '-' && !is_digit(c)) fail("a JSON value expected, found " + found());
      skip_number();
  }
}

namespace {

/// Length of the UTF-8 sequence at `text[i]`, or 0 if it is not one.
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool outside = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

}  // namespace

void check_json_object(std::string_view text) {
  JsonCursor cursor(text);
  if (!cursor.take('{')) throw TextError("not a JSON object: it does not start with '{'", 0);
  cursor = JsonCursor(text);
  cursor.skip_value();
  cursor.expect_end();
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) throw TextError("text that is not UTF-8", i);
    if (text[i] == '"') in_string = !in_string;
    if (in_string && text[i] == '\\') ++i;  // the character after it is no closing quote
    if (in_string && static_cast<unsigned char>(text[i]) < ' ')
      throw TextError("a control character in a string", i);
    i += length;
  }
}

}  // namespace tracetide
