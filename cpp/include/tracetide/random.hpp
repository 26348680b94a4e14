// The only source of randomness: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC'11), a counter-based generator. Every random word of a trace is a pure function of
// (seed, client, window, purpose, index), so any window of any client can be made alone.
#pragma once

#include <array>
#include <cstdint>

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// One Philox4x32-10 block: four 32-bit words from a 128-bit counter and a 64-bit key.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                         std::array<std::uint32_t, 2> key) noexcept;

/// What a stream of random words is used for. The values are part of the trace format: a change is a
/// change of `trace_version`.
enum class Purpose : std::uint8_t {
  count = 0,        ///< systematic rounding of a window's counts (client = 2^32 - 1)
  phase = 1,        ///< phase of the circle of pinned gaps
  gap = 2,          ///< the variate that decides a gap (a normal for Gamma)
  gap_accept = 3,   ///< acceptance of a Gamma candidate
  gap_boost = 4,    ///< the power of a uniform that lowers a Gamma shape below 1
  first_gap = 5,    ///< forward recurrence time of a renewal process
  rank = 6,         ///< the one uniform shared by all fields of a comonotonic request
  start_count = 7,  ///< as count, of the sessions that start in a window
  start_phase = 8,  ///< phase of the circle of the gaps between starts of sessions
  start_gap = 9,    ///< as gap, gap_accept and gap_boost, of starts of sessions
  start_accept = 10,
  start_boost = 11,
  session_turns = 12,        ///< the number of turns of a session
  session_turns_place = 13,  ///< where in its bin that lies
  session_step = 14,         ///< what comes between two turns: choice, waits, tokens
  session_first = 15,        ///< new tokens of a session's first turn
  field = 16,                ///< field + Field: the values of one field
  item = 48,                 ///< item + Field: the tokens of the first item of a request
  more_items = 64,           ///< more_items + Field: of its further items
  sampler = 96,              ///< a law drawn on its own (distributions.hpp): what decides a value
  sampler_accept = 97,       ///< acceptance of its Gamma candidates
  sampler_boost = 98,        ///< the power of a uniform that lowers a Gamma shape below 1
  normal = 112,              ///< normal + Field: the normal variate of a field under a Gaussian copula
  field_place = 128,         ///< field_place + Field: where in its bin a value lies
  item_place = 144,          ///< item_place + Field: the same for the first item of a request
  more_places = 160,         ///< more_places + Field: for its further items
  prompt = 177,              ///< which system prompt or template a request or session begins with
  prompt_length = 178,  ///< of one system prompt or template; the seed is 0, as they belong to the profile
  modulation = 179,     ///< the cascade that moves a client's rate in a window; word 0 turns it
  session_cut = 176,    ///< up to which window a session goes on where there is not room for all
  lasting = 192,        ///< lasting + Field: the variate of a field that lasts along a session's turns
};

/// Where a stream of random words starts.
///
/// The Philox key is the seed (low word first). The counter is, word by word,
/// { index (low 32 bits), purpose << 24 | index (high 24 bits), window, client }.
struct StreamKey {
  std::uint64_t seed = 0;
  std::uint32_t client = 0;
  std::uint32_t window = 0;
  std::uint8_t purpose = 0;

  /// The counter of block `index` (below 2^56).
  [[nodiscard]] constexpr std::array<std::uint32_t, 4> counter(std::uint64_t index) const noexcept {
    return {static_cast<std::uint32_t>(index),
            static_cast<std::uint32_t>(purpose) << 24 | static_cast<std::uint32_t>(index >> 32), window,
            client};
  }
  [[nodiscard]] constexpr std::array<std::uint32_t, 2> key() const noexcept {
    return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  }
};

/// Words are laid out in groups of eight blocks so that eight lanes fill them side by side: word w of
/// a stream is output `(w / 8) % 4` of block `(w / 32) * 8 + w % 8`.
inline constexpr std::uint64_t blocks_per_group = 8;
inline constexpr std::uint64_t words_per_group = 4 * blocks_per_group;

/// Word `index` of the stream in the grouped layout above.
[[nodiscard]] std::uint32_t stream_word(const StreamKey& stream, std::uint64_t index) noexcept;

}  // namespace tracetide
#pragma GCC visibility pop
