// Philox4x32-10, eight blocks side by side. Included once per instruction-set level.
//
// The one intrinsic is the widening 32-bit multiplication: left to itself GCC 12 multiplies full 64-bit
// lanes instead, which costs a factor of 1.5 (AVX-512), 3.3 (AVX2) and 2.1 (SSE2) on this loop
// (measured; benchmarks/cpp).
#pragma once

#include <cstdint>

#include "tracetide/random.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

#if defined(__x86_64__) && defined(__GNUC__)

#if defined(__AVX512F__)
constexpr int lanes = 8;
typedef std::uint64_t Lanes __attribute__((vector_size(64)));
inline Lanes multiply_low_halves(Lanes a, Lanes b) noexcept {
  // All lanes: the unmasked intrinsic makes GCC 12 warn of an uninitialised operand that it does not have.
  return (Lanes)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)b);
}
#elif defined(__AVX2__)
constexpr int lanes = 4;
typedef std::uint64_t Lanes __attribute__((vector_size(32)));
inline Lanes multiply_low_halves(Lanes a, Lanes b) noexcept {
  return (Lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
#else
constexpr int lanes = 2;
typedef std::uint64_t Lanes __attribute__((vector_size(16)));
inline Lanes multiply_low_halves(Lanes a, Lanes b) noexcept {
  return (Lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
}
#endif

#else

// One lane at a time; an optimising compiler for arm64 pairs them.
constexpr int lanes = 1;
typedef std::uint64_t Lanes;
inline Lanes multiply_low_halves(Lanes a, Lanes b) noexcept { return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu); }

#endif

inline Lanes broadcast(std::uint64_t value) noexcept { return Lanes{} + value; }

inline Lanes lane_numbers() noexcept {
  if constexpr (lanes == 1) {
    return Lanes{};
  } else {
    Lanes numbers{};
    std::uint64_t parts[lanes];
    for (int lane = 0; lane < lanes; ++lane) parts[lane] = static_cast<std::uint64_t>(lane);
    __builtin_memcpy(&numbers, parts, sizeof numbers);
    return numbers;
  }
}

/// The four words of `lanes` blocks, each in the low half of a lane.
struct Words {
  Lanes w0, w1, w2, w3;
};

/// `chains` independent runs of rounds interleaved, to hide the latency of the multiplications. The high
/// halves of the words may hold anything meanwhile: the multiplication does not look at them.
template <int chains>
inline void philox_lanes(const StreamKey& stream, std::uint64_t first_block, Words* out) noexcept {
  const auto counter = stream.counter(first_block);
  const Lanes purpose = broadcast(static_cast<std::uint64_t>(stream.purpose) << 24);
  for (int chain = 0; chain < chains; ++chain) {
    const Lanes index = lane_numbers() + (first_block + static_cast<std::uint64_t>(chain * lanes));
    out[chain] = {index, (index >> 32) | purpose, broadcast(counter[2]), broadcast(counter[3])};
  }
  auto [k0, k1] = stream.key();
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const Lanes key0 = broadcast(k0);
    const Lanes key1 = broadcast(k1);
#pragma GCC unroll 4
    for (int chain = 0; chain < chains; ++chain) {
      Words& c = out[chain];
      const Lanes p0 = multiply_low_halves(c.w0, broadcast(0xD2511F53u));
      const Lanes p1 = multiply_low_halves(c.w2, broadcast(0xCD9E8D57u));
      c = {(p1 >> 32) ^ c.w1 ^ key0, p1, (p0 >> 32) ^ c.w3 ^ key1, p0};
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

constexpr int philox_chains = lanes == 8 ? 2 : lanes >= 2 ? 2 : 1;

/// Sixteen 64-bit values a group: value v of a group is, for v < 8, words 0 (low) and 1 (high) of block
/// v, for v >= 8 words 2 and 3 of block v - 8.
inline void fill_u64(const StreamKey& stream, std::uint64_t first_group, std::uint64_t groups,
                     std::uint64_t* out) noexcept {
  constexpr int step = lanes * philox_chains;
  const Lanes low = broadcast(0xFFFFFFFFu);
  for (std::uint64_t block = 0; block < groups * blocks_per_group; block += step) {
    Words words[philox_chains];
    philox_lanes<philox_chains>(stream, first_group * blocks_per_group + block, words);
    for (int chain = 0; chain < philox_chains; ++chain) {
      const std::uint64_t at = block + static_cast<std::uint64_t>(chain * lanes);
      if (at >= groups * blocks_per_group) break;
      std::uint64_t* group = out + at / blocks_per_group * (2 * blocks_per_group) + at % blocks_per_group;
      const Lanes first = (words[chain].w0 & low) | (words[chain].w1 << 32);
      const Lanes second = (words[chain].w2 & low) | (words[chain].w3 << 32);
      __builtin_memcpy(group, &first, sizeof first);
      __builtin_memcpy(group + blocks_per_group, &second, sizeof second);
    }
  }
}

/// Thirty-two words a group, in the layout of `stream_word`.
inline void fill_u32(const StreamKey& stream, std::uint64_t first_group, std::uint64_t groups,
                     std::uint32_t* out) noexcept {
  constexpr std::uint64_t chunk = 8;
  std::uint64_t pairs[chunk * 2 * blocks_per_group];
  for (std::uint64_t done = 0; done < groups; done += chunk) {
    const std::uint64_t now = groups - done < chunk ? groups - done : chunk;
    fill_u64(stream, first_group + done, now, pairs);
    for (std::uint64_t group = 0; group < now; ++group) {
      const std::uint64_t* in = pairs + group * 2 * blocks_per_group;
      std::uint32_t* words = out + (done + group) * words_per_group;
      for (std::uint64_t i = 0; i < blocks_per_group; ++i) {
        words[i] = static_cast<std::uint32_t>(in[i]);
        words[blocks_per_group + i] = static_cast<std::uint32_t>(in[i] >> 32);
        words[2 * blocks_per_group + i] = static_cast<std::uint32_t>(in[blocks_per_group + i]);
        words[3 * blocks_per_group + i] = static_cast<std::uint32_t>(in[blocks_per_group + i] >> 32);
      }
    }
  }
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
