#pragma once

#include <bit>
#include <cstdint>

namespace tracetide {

/// Number of bits that `value` needs: 0 for 0. (std::bit_width has no one return type across libraries.)
[[nodiscard]] constexpr int bit_length(std::uint64_t value) noexcept { return 64 - std::countl_zero(value); }

/// The high 64 bits of a 128-bit product.
[[nodiscard]] constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t low_half = 0xFFFFFFFFu;
  const std::uint64_t low = (a & low_half) * (b & low_half);
  const std::uint64_t middle = (a >> 32) * (b & low_half) + (low >> 32);
  const std::uint64_t other = (a & low_half) * (b >> 32) + (middle & low_half);
  return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
}

}  // namespace tracetide
