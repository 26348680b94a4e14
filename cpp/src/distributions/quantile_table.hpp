// Quantile table: the inverse of a distribution function, looked up with a guide (Chen & Asau, 1974).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tracetide {

/// Value i is drawn for a 32-bit random word w with cumulative[i - 1] <= w < cumulative[i]; the last
/// cumulative is taken as 2^32. guide[j] is the first i that a word w with floor(w * size / 2^32) = j can
/// have. Every probability is met to within 2^-32.
struct QuantileTable {
  std::uint32_t size = 0;
  std::vector<std::uint32_t> values;
  std::vector<std::uint32_t> cumulative;  ///< size - 1 entries
  std::vector<std::uint32_t> guide;       ///< size entries
};

/// `values` ascending; `probabilities` finite, >= 0, with a positive sum; they are normalised.
[[nodiscard]] QuantileTable make_quantile_table(std::span<const std::uint32_t> values,
                                                std::span<const double> probabilities);

}  // namespace tracetide
