// Texts and lists of numbers in rows. As with decimal.hpp, a few bytes behind what is returned may be
// touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "writers/decimal.hpp"

namespace tracetide {

inline char* put_text(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

/// A list of numbers as JSON. In CSV it is in quotes where it has a comma; a guessed branch would be wrong
/// often.
inline char* put_list(char* to, const std::uint32_t* item, const std::uint32_t* end, bool is_csv) noexcept {
  const std::ptrdiff_t quotes = is_csv && end - item > 1 ? 1 : 0;
  *to = '"';
  to += quotes;
  *to = '[';
  char* last = to + 1;
  for (; item != end; ++item) last = to = put_number(to + 1, *item);
  *last++ = ']';
  *last = '"';
  return last + quotes;
}

}  // namespace tracetide
