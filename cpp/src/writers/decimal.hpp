// Whole numbers as decimal digits, four at a time. All writes have a fixed size and may touch a few bytes
// behind the text they return: the caller has room for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tracetide {

/// A number below 10,000 without leading zeros and a comma behind it.
struct ShortNumber {
  char text[7];
  std::uint8_t digits;
};

struct FourDigits {
  char digit[4];
};

inline constexpr std::array<FourDigits, 10000> padded_digits = [] {
  std::array<FourDigits, 10000> table{};
  FourDigits now{{'0', '0', '0', '0'}};
  for (FourDigits& entry : table) {
    entry = now;
    int place = 3;
    while (place > 0 && now.digit[place] == '9') now.digit[place--] = '0';
    ++now.digit[place];
  }
  return table;
}();

inline constexpr std::array<ShortNumber, 10000> short_numbers = [] {
  std::array<ShortNumber, 10000> table{};
  int number = 0;
  for (ShortNumber& entry : table) {
    const char a = static_cast<char>('0' + number / 1000);
    const char b = static_cast<char>('0' + number / 100 % 10);
    const char c = static_cast<char>('0' + number / 10 % 10);
    const char d = static_cast<char>('0' + number % 10);
    if (number >= 1000) {
      entry = {{a, b, c, d, ','}, 4};
    } else if (number >= 100) {
      entry = {{b, c, d, ','}, 3};
    } else if (number >= 10) {
      entry = {{c, d, ','}, 2};
    } else {
      entry = {{d, ','}, 1};
    }
    ++number;
  }
  return table;
}();

/// Bytes that put_number may touch.
inline constexpr std::size_t number_room = 16;
inline constexpr std::size_t longest_number = 10;

/// Four digits with leading zeros, for a value below 10,000.
inline char* put_padded_4(char* to, std::uint32_t value) noexcept {
  std::memcpy(to, padded_digits[value].digit, 4);
  return to + 4;
}

/// A value below 10,000 and a comma. Returns the comma's place.
inline char* put_below_10000(char* to, std::uint32_t value) noexcept {
  const ShortNumber& entry = short_numbers[value];
  std::memcpy(to, &entry, 8);
  return to + entry.digits;
}

/// A number and a comma. Returns the comma's place, where whatever shall follow the number is written.
inline char* put_number(char* to, std::uint32_t value) noexcept {
  if (value < 10'000) return put_below_10000(to, value);
  const std::uint32_t high = value / 10'000;
  if (high < 10'000) {
    to = put_below_10000(to, high);
  } else {
    to = put_padded_4(put_below_10000(to, high / 10'000), high % 10'000);
  }
  to = put_padded_4(to, value % 10'000);
  *to = ',';
  return to;
}

/// Of any number, which may touch number_room bytes as well.
inline constexpr std::size_t longest_long_number = 20;

/// A number and a comma, as put_number; above 2^32 slower.
inline char* put_long_number(char* to, std::uint64_t value) noexcept {
  if (value <= 0xFFFFFFFFu) return put_number(to, static_cast<std::uint32_t>(value));
  constexpr std::uint64_t billion = 1'000'000'000;
  to = put_long_number(to, value / billion);
  const auto low = static_cast<std::uint32_t>(value % billion);
  *to = static_cast<char>('0' + low / 100'000'000);
  return put_padded_4(put_padded_4(to + 1, low / 10'000 % 10'000), low % 10'000);
}

/// The nine digits of `value` (1 to 999,999,999) with leading zeros; returns the end without the trailing
/// ones.
inline char* put_fraction(char* to, std::uint32_t value) noexcept {
  const std::uint32_t rest = value % 100'000'000;
  *to = static_cast<char>('0' + value / 100'000'000);
  put_padded_4(put_padded_4(to + 1, rest / 10'000), rest % 10'000);
  // Nine in ten times there is nothing to trim, and a guessed branch is quicker than counting zeros, for
  // which the place of all that follows would have to wait.
  char* end = to + 9;
  while (end[-1] == '0') --end;
  return end;
}

}  // namespace tracetide
