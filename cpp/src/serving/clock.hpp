// Simulated time, in whole picoseconds.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>

namespace tracetide {

using Picoseconds = std::int64_t;
__extension__ using WidePicoseconds = __int128;

inline constexpr Picoseconds picoseconds_per_second = 1'000'000'000'000;
inline constexpr Picoseconds picoseconds_per_nanosecond = 1000;
/// Behind every time.
inline constexpr Picoseconds never = std::numeric_limits<Picoseconds>::max();
inline constexpr Picoseconds last_time = 100 * 86400 * picoseconds_per_second;

[[nodiscard]] inline double seconds(Picoseconds time) noexcept { return static_cast<double>(time) / 1e12; }

/// `start` and so much later.
/// @throws std::invalid_argument beyond 100 days
[[nodiscard]] inline Picoseconds later(Picoseconds start, WidePicoseconds duration) {
  if (duration > last_time - start) {
    throw std::invalid_argument(
        "serving: the simulated time goes beyond 100 days, which is not allowed; at these costs the requests "
        "take too long");
  }
  return start + static_cast<Picoseconds>(duration);
}

}  // namespace tracetide
