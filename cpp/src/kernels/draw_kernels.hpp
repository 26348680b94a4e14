// Draws by the block from tables. Included once per instruction-set level.
#pragma once

#include <cstdint>

#include "math/elementary.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

// The choice between value and alias is a shift by 0 or 16: a branch would be mispredicted half the time.
inline void draw_alias(const std::uint64_t* cells, std::uint32_t size, std::uint32_t base,
                       const std::uint32_t* words, std::uint32_t n, std::uint32_t* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t product = std::uint64_t{words[i]} * size;
    const std::uint64_t cell = cells[product >> 32];
    const unsigned shift =
        static_cast<std::uint32_t>(product) >= static_cast<std::uint32_t>(cell >> 32) ? 16 : 0;
    out[i] = base + (static_cast<std::uint32_t>(cell >> shift) & 0xFFFFu);
  }
}

inline void draw_alias_wide(const std::uint64_t* cells, std::uint32_t size, std::uint32_t base,
                            const std::uint32_t* words, std::uint32_t n, std::uint32_t* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t product = std::uint64_t{words[i]} * size;
    const std::uint64_t* cell = cells + 2 * (product >> 32);
    const unsigned shift = static_cast<std::uint32_t>(product) >= cell[0] ? 32 : 0;
    out[i] = base + static_cast<std::uint32_t>(cell[1] >> shift);
  }
}

inline void draw_quantile(const std::uint32_t* values, const std::uint32_t* cumulative,
                          const std::uint32_t* guide, std::uint32_t size, const std::uint32_t* words,
                          std::uint32_t n, std::uint32_t* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t at = guide[std::uint64_t{words[i]} * size >> 32];
    while (at + 1 < size && cumulative[at] <= words[i]) ++at;
    out[i] = values[at];
  }
}

/// Linear interpolation between `count` >= 2 quantiles at equal steps of probability.
inline void draw_interpolated(const double* quantile, std::uint32_t count, const std::uint32_t* words,
                              std::uint32_t n, double* out) noexcept {
  const std::uint64_t steps = count - 1;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t product = words[i] * steps;
    const double* at = quantile + (product >> 32);
    const double fraction = static_cast<double>(static_cast<std::uint32_t>(product)) * 0x1p-32;
    out[i] = at[0] + (at[1] - at[0]) * fraction;
  }
}

/// Rounds half up and clamps to [minimum, maximum], a range of whole numbers below 2^32.
inline void round_tokens(const double* values, std::uint32_t n, double minimum, double maximum,
                         std::uint32_t* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    const double value = values[i];
    const double clamped = value < minimum ? minimum : value > maximum ? maximum : value;
    out[i] = static_cast<std::uint32_t>(static_cast<std::int64_t>(clamped + 0.5));
  }
}

/// Numbers of bins become values: floor(width * word / 2^32) after the bin's first.
inline void place_in_bins(const std::uint32_t* first, const std::uint32_t* width, const std::uint32_t* places,
                          std::uint32_t n, std::uint32_t* bins_to_values) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t bin = bins_to_values[i];
    bins_to_values[i] = first[bin] + static_cast<std::uint32_t>(std::uint64_t{width[bin]} * places[i] >> 32);
  }
}

inline void look_up(const double* values, const std::uint32_t* positions, std::uint32_t n,
                    double* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) out[i] = values[positions[i]];
}

/// round(ratio * tokens), half up.
inline void scale_tokens(const double* ratio, const std::uint32_t* tokens, std::uint32_t n,
                         std::uint32_t* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    out[i] = static_cast<std::uint32_t>(
        static_cast<std::int64_t>(ratio[i] * static_cast<double>(tokens[i]) + 0.5));
  }
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
