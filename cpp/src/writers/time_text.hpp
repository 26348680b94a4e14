// Times as text: seconds and milliseconds with a fraction, whole microseconds and nanoseconds, dates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "writers/decimal.hpp"

namespace tracetide {

/// A time as a whole number of nanoseconds: seconds, and what is above them.
struct WholeTime {
  std::int64_t second = 0;
  std::uint32_t ns = 0;
};

/// The longest time that is written; with all of its 15 digits of seconds it fits where the writers below
/// have room.
inline constexpr double longest_time = 999'999'999'999'999.875;

/// The nearest whole nanosecond of a time from 0 to longest_time. Any other double is taken for the nearer
/// end and NaN for 0: nothing is written beyond its room, whatever comes. To refuse them is up to who knows
/// the row.
[[nodiscard]] inline WholeTime whole_time(double seconds) noexcept {
  seconds = seconds > 0 ? seconds : 0.0;
  seconds = seconds < longest_time ? seconds : longest_time;
  // Below 2^23 s the fraction is exact and within 0.47 ns of the whole number of nanoseconds that the
  // time stands for, and the product adds less than 1e-7 to that. Above, the product is exact.
  WholeTime time{static_cast<std::int64_t>(seconds)};
  time.ns = static_cast<std::uint32_t>((seconds - static_cast<double>(time.second)) * 1e9 + 0.5);
  if (time.ns == 1'000'000'000u) [[unlikely]] {
    time.ns = 0;
    ++time.second;
  }
  return time;
}

/// Seconds with at most nine decimals. The second of a timestamp seldom differs from the one before: its
/// digits are kept.
class TimestampWriter {
 public:
  static constexpr std::size_t longest = 16 + 9;

  char* put(char* to, double timestamp) noexcept {
    const WholeTime time = whole_time(timestamp);
    if (time.second != second_) remember(time.second);
    std::memcpy(to, text_, sizeof text_);
    to += length_;
    return time.ns != 0 ? put_fraction(to, time.ns) : to - 1;
  }

 private:
  void remember(std::int64_t second) noexcept {
    second_ = second;
    char reversed[sizeof text_];
    std::size_t digits = 0;
    do {
      reversed[digits++] = static_cast<char>('0' + second % 10);
      second /= 10;
    } while (second != 0);
    for (std::size_t i = 0; i < digits; ++i) text_[i] = reversed[digits - 1 - i];
    text_[digits] = '.';
    length_ = digits + 1;
  }

  std::int64_t second_ = 0;
  std::size_t length_ = 2;
  char text_[16] = {'0', '.'};  // the second and a point
};

/// Milliseconds with at most six decimals.
inline constexpr std::size_t longest_milliseconds = longest_long_number + 10;
inline char* put_milliseconds(char* to, double seconds) noexcept {
  const WholeTime time = whole_time(seconds);
  to = put_long_number(to, static_cast<std::uint64_t>(time.second) * 1000 + time.ns / 1'000'000);
  const std::uint32_t rest = time.ns % 1'000'000;
  if (rest == 0) return to;
  *to = '.';
  return put_fraction(to + 1, rest * 1000);
}

/// The nearest whole number of microseconds, of a time before 1.8e13 s.
inline char* put_microseconds(char* to, double seconds) noexcept {
  const WholeTime time = whole_time(seconds);
  return put_long_number(to, static_cast<std::uint64_t>(time.second) * 1'000'000 + (time.ns + 500) / 1000);
}

/// Whole nanoseconds, of a time before 1.8e10 s; of later ones modulo 2^64.
inline char* put_nanoseconds(char* to, double seconds) noexcept {
  const WholeTime time = whole_time(seconds);
  return put_long_number(to, static_cast<std::uint64_t>(time.second) * 1'000'000'000 + time.ns);
}

/// Dates such as 2026-01-01 00:00:46.6805900, in tenths of microseconds, counted from an origin.
class DateWriter {
 public:
  static constexpr std::size_t longest = 27 + 4;
  static constexpr std::int64_t end = 253'402'300'800;  ///< s since 1970 of the year 10000

  /// `origin` in seconds since 1970, in UTC. Times that are not before `end` with it become the last second.
  explicit DateWriter(std::int64_t origin) noexcept : origin_(origin) {}

  char* put(char* to, double timestamp) noexcept {
    WholeTime time = whole_time(timestamp);
    std::uint32_t tick = (time.ns + 50) / 100;
    if (tick == 10'000'000) {
      tick = 0;
      ++time.second;
    }
    if (time.second != second_) remember(time.second);
    std::memcpy(to, text_, sizeof text_);
    // Seven digits: the fourth is written twice.
    to = put_padded_4(to + sizeof text_, tick / 1000);
    return put_padded_4(to - 1, tick % 10'000);
  }

 private:
  void remember(std::int64_t second) noexcept;

  std::int64_t origin_;
  std::int64_t second_ = -1;
  char text_[20]{};  // up to the point
};

}  // namespace tracetide
