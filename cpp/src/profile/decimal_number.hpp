// Decimal numbers in text, as std::from_chars reads them.
#pragma once

#include <charconv>
#include <system_error>

#ifndef __cpp_lib_to_chars
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>
#ifdef __APPLE__
#include <xlocale.h>
#else
#include <locale.h>
#endif
#endif

namespace tracetide {

/// One past the number that begins at `first`, whose value is `value`; nullptr if none does, or one that no
/// double is near to.
[[nodiscard]] const char* read_decimal(const char* first, const char* last, double& value);

#ifdef __cpp_lib_to_chars

inline const char* read_decimal(const char* first, const char* last, double& value) {
  const auto [end, error] = std::from_chars(first, last, value);
  return error == std::errc{} ? end : nullptr;
}

#else

// libc++ has no std::from_chars for doubles before LLVM 20, so neither have most versions of macOS. strtod
// takes more than it does, hence what may be in a number is looked at first; and the locale must be named, as
// the program's may have a decimal comma.
namespace decimal {

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

inline const char* skip_digits(const char* at, const char* last) noexcept {
  while (at != last && is_digit(*at)) ++at;
  return at;
}

// One past the longest number from `first` on, or nullptr.
inline const char* end_of(const char* first, const char* last) noexcept {
  const char* at = first != last && *first == '-' ? first + 1 : first;
  const char* const whole = at;
  at = skip_digits(at, last);
  std::ptrdiff_t digits = at - whole;
  if (at != last && *at == '.') {
    const char* const fraction = at + 1;
    at = skip_digits(fraction, last);
    digits += at - fraction;
  }
  if (digits == 0) return nullptr;
  if (at == last || (*at != 'e' && *at != 'E')) return at;
  const char* exponent = at + 1;
  if (exponent != last && (*exponent == '+' || *exponent == '-')) ++exponent;
  return exponent != last && is_digit(*exponent) ? skip_digits(exponent, last) : at;
}

inline ::locale_t c_locale() noexcept {
  static const ::locale_t made = ::newlocale(LC_ALL_MASK, "C", nullptr);
  return made;
}

inline bool has_digit_above_zero(const std::string& text) noexcept {
  for (const char c : text) {
    if (c == 'e' || c == 'E') return false;
    if (c >= '1' && c <= '9') return true;
  }
  return false;
}

}  // namespace decimal

inline const char* read_decimal(const char* first, const char* last, double& value) {
  const char* const end = decimal::end_of(first, last);
  if (end == nullptr) return nullptr;
  const std::string text(first, end);
  const double read = ::strtod_l(text.c_str(), nullptr, decimal::c_locale());
  if (!std::isfinite(read) || (read == 0 && decimal::has_digit_above_zero(text))) return nullptr;
  value = read;
  return end;
}

#endif

}  // namespace tracetide
