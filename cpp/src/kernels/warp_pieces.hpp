// A monotone, piecewise linear map of times, as the kernels take it; arrivals/time_warp.hpp makes it.
#pragma once

#include <cstdint>

namespace tracetide {

/// Piece p maps from[p] to before from[p + 1] onto to[p] to to[p] + room[p]. All in ns, below 2^51.
struct WarpPieces {
  const std::int64_t* from = nullptr;  ///< count + 1, strictly ascending from 0
  const std::int64_t* to = nullptr;
  const std::int64_t* room = nullptr;
  const double* slope = nullptr;
  std::uint32_t count = 0;
};

}  // namespace tracetide
