#include "tracetide/random.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernels.hpp"

namespace tracetide {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known-answer vectors of Random123 (kat_vectors, philox4x32 10 rounds).
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(StreamKey, CounterHoldsIndexPurposeWindowAndClient) {
  const StreamKey stream{0x1122334455667788u, 7, 9, 5};
  EXPECT_EQ(stream.counter(0x00ABCDEF12345678u), (Block{0x12345678, 0x05ABCDEF, 9, 7}));
  EXPECT_EQ(stream.key(), (std::array<std::uint32_t, 2>{0x55667788, 0x11223344}));
}

// The words of a group, by every instruction-set level, from the block function alone.
TEST(Streams, LanesAgreeWithTheBlockFunction) {
  const StreamKey stream{0xFEDCBA9876543210u, 0xFFFFFFFFu, 123456789, 255};
  for (const Kernels* kernels : available_kernels()) {
    for (const std::uint64_t first_group :
         {std::uint64_t{0}, std::uint64_t{3}, (std::uint64_t{1} << 29) - 1}) {
      constexpr std::uint64_t groups = 11;
      std::vector<std::uint32_t> words(groups * words_per_group);
      kernels->fill_u32(stream, first_group, groups, words.data());
      std::vector<std::uint64_t> pairs(groups * words_per_group / 2);
      kernels->fill_u64(stream, first_group, groups, pairs.data());
      for (std::uint64_t i = 0; i < words.size(); ++i) {
        ASSERT_EQ(words[i], stream_word(stream, first_group * words_per_group + i))
            << name(kernels->level) << " " << i;
      }
      for (std::uint64_t i = 0; i < pairs.size(); ++i) {
        const std::uint64_t block = (first_group + i / 16) * blocks_per_group + i % 8;
        const Block expected = philox4x32_10(stream.counter(block), stream.key());
        const std::size_t word = i % 16 < 8 ? 0 : 2;
        ASSERT_EQ(pairs[i], expected[word] | static_cast<std::uint64_t>(expected[word + 1]) << 32)
            << name(kernels->level);
      }
    }
  }
}

}  // namespace
}  // namespace tracetide
