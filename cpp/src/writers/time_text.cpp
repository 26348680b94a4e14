#include "writers/time_text.hpp"

#include <algorithm>
#include <chrono>

namespace tracetide {

void DateWriter::remember(std::int64_t second) noexcept {
  second_ = second;
  const std::chrono::sys_seconds time{std::chrono::seconds(std::min(origin_ + second, end - 1))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const auto two = [](char* to, auto value) {
    const auto number = static_cast<unsigned>(value);
    *to++ = static_cast<char>('0' + number / 10);
    *to++ = static_cast<char>('0' + number % 10);
    return to;
  };
  char* to = put_padded_4(text_, static_cast<std::uint32_t>(static_cast<int>(date.year())));
  *to++ = '-';
  to = two(to, static_cast<unsigned>(date.month()));
  *to++ = '-';
  to = two(to, static_cast<unsigned>(date.day()));
  *to++ = ' ';
  to = two(to, clock.hours().count());
  *to++ = ':';
  to = two(to, clock.minutes().count());
  *to++ = ':';
  to = two(to, clock.seconds().count());
  *to = '.';
}

}  // namespace tracetide
