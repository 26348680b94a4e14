// Reading JSON text strictly (RFC 8259), as far as profiles need it: a cursor for a known structure, and
// a check of a whole text.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tracetide {

/// What is wrong with a text, and where. Whoever knows the file makes a ProfileError of it.
class TextError : public std::runtime_error {
 public:
  TextError(const std::string& message, std::size_t position)
      : std::runtime_error(message), position_(position) {}
  /// Bytes from the text's start.
  [[nodiscard]] std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) noexcept : text_(text) {}

  /// Skips white space, then whether the next character is `c`; takes it if so.
  [[nodiscard]] bool take(char c) noexcept;
  /// As take(), but anything else is an error. @throws TextError
  void expect(char c);
  /// A string's content. It points into the text, or into `decoded` if there are escapes. Control
  /// characters are not looked for. @throws TextError
  [[nodiscard]] std::string_view string(std::string& decoded);
  /// Nothing but white space may follow. @throws TextError
  void expect_end();
  /// Skips a value of any kind, checking its syntax. @throws TextError, also beyond 64 levels
  void skip_value(int depth = 0);

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  /// Line of the position, from 1, in a text whose strings hold no line breaks.
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  [[noreturn]] void fail(const std::string& message) const;

 private:
  void skip_space() noexcept;
  void skip_word(std::string_view word);
  void skip_number();
  void skip_members(int depth, bool object);
  [[nodiscard]] std::string found() const;
  std::string_view decode(std::size_t begin, std::string& decoded);
  [[nodiscard]] unsigned code_unit();

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
};

/// @throws TextError unless `text` is one JSON object.
void check_json_object(std::string_view text);

}  // namespace tracetide
