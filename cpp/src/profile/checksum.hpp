// The 64-bit checksum of a `.tide` image, also used to find equal distributions. It guards against
// accidents (truncation, bit rot, a file edited as text), not against an adversary.
//
// Eight lanes, lane j starting at K * (j + 1). Every 64-byte block is eight little-endian words w_j, and
// L_j <- rotl((L_j ^ w_j) * K, 29); a last partial block is padded with zero bytes. Then, from
// h = number of bytes, h <- rotl((h ^ L_j) * K, 29) for j = 0..7, and the result is h ^ (h >> 32).
// Each step is a bijection of its lane, so a change within one word is always seen. The lanes are
// independent, so the speed is that of memory (8 bytes a cycle) with plain 64-bit arithmetic.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tracetide {

[[nodiscard]] inline std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  constexpr std::uint64_t k = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio, odd
  constexpr std::size_t lanes = 8;
  constexpr std::size_t block_size = lanes * sizeof(std::uint64_t);
  std::array<std::uint64_t, lanes> lane{};
  for (std::size_t j = 0; j < lanes; ++j) lane[j] = k * (j + 1);

  const auto absorb = [&lane](const std::byte* block) {
    std::array<std::uint64_t, lanes> word;
    std::memcpy(word.data(), block, block_size);
    for (std::size_t j = 0; j < lanes; ++j) lane[j] = std::rotl((lane[j] ^ word[j]) * k, 29);
  };
  std::size_t position = 0;
  for (; position + block_size <= bytes.size(); position += block_size) absorb(bytes.data() + position);
  if (position < bytes.size()) {
    std::array<std::byte, block_size> last{};
    std::memcpy(last.data(), bytes.data() + position, bytes.size() - position);
    absorb(last.data());
  }
  std::uint64_t h = bytes.size();
  for (const std::uint64_t value : lane) h = std::rotl((h ^ value) * k, 29);
  return h ^ (h >> 32);
}

}  // namespace tracetide
