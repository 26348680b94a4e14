// A monotone, piecewise linear map of times. Included once per instruction-set level.
#pragma once

#include <cstdint>

#include "kernels/warp_pieces.hpp"
#include "math/elementary.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

/// The end of the run of `times`, ascending, that are below `bound`, from `first` on.
inline std::uint64_t end_of_run(const std::int64_t* times, std::uint64_t first, std::uint64_t n,
                                std::int64_t bound) noexcept {
  while (first < n && times[first] < bound) ++first;
  return first;
}

/// The piece in which `time` lies, from `piece` on: by doubling steps, then by halving them.
inline std::uint32_t piece_of(const WarpPieces& warp, std::uint32_t piece, std::int64_t time) noexcept {
  if (time < warp.from[piece + 1]) return piece;
  // Mostly the next one.
  if (piece + 2 <= warp.count && time < warp.from[piece + 2]) return piece + 1;
  std::uint32_t step = 1;
  while (piece + step < warp.count && warp.from[piece + step] <= time) {
    piece += step;
    step *= 2;
  }
  for (; step > 0; step /= 2) {
    if (piece + step < warp.count && warp.from[piece + step] <= time) piece += step;
  }
  return piece;
}

/// Ascending times below from[count], each to `to` of its piece and the slope times what is over.
inline void warp_times(const WarpPieces& warp, std::int64_t* times, std::uint64_t n) noexcept {
  std::uint32_t piece = 0;
  for (std::uint64_t i = 0; i < n;) {
    piece = piece_of(warp, piece, times[i]);
    const std::uint64_t end = end_of_run(times, i, n, warp.from[piece + 1]);
    const std::int64_t from = warp.from[piece];
    const std::int64_t to = warp.to[piece];
    const std::int64_t room = warp.room[piece];
    const double slope = warp.slope[piece];
    for (; i < end; ++i) {
      const auto over = static_cast<std::uint64_t>(times[i] - from);
      const std::int64_t moved = nearest_integer((from_bits(over | 0x4330000000000000u) - 0x1p52) * slope);
      times[i] = to + (moved < room ? moved : room);
    }
  }
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
