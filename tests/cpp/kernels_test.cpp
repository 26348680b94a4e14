// Every instruction-set level gives the same bits as the baseline.
#include "kernels/kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <vector>

#include "distributions/alias_table.hpp"
#include "kernels/normal_table.hpp"

namespace tracetide {
namespace {

const Kernels& baseline_kernels() { return kernels_for(KernelLevel::baseline); }

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

std::vector<std::uint32_t> random_words(std::size_t n) {
  std::mt19937 random(5);
  std::vector<std::uint32_t> words(n);
  for (auto& word : words) word = static_cast<std::uint32_t>(random());
  words[0] = 0;
  words[1] = 0xFFFFFFFFu;
  return words;
}

struct Shape {
  Family family;
  double shape;
};

class GapsAtEveryLevel : public testing::TestWithParam<Shape> {};

TEST_P(GapsAtEveryLevel, AreTheSameBits) {
  const GapLaw law = make_gap_law(GetParam().family, GetParam().shape);
  const GapStreams streams = gap_streams(99, 3, 14);
  for (const std::uint32_t units : {1u, 3u, units_per_block}) {
    std::vector<double> expected(units * gaps_per_unit);
    const std::uint32_t n = baseline_kernels().gaps(law, streams, 32, units, expected.data());
    expected.resize(n);
    for (const Kernels* kernels : available_kernels()) {
      std::vector<double> found(units * gaps_per_unit);
      ASSERT_EQ(kernels->gaps(law, streams, 32, units, found.data()), n);
      found.resize(n);
      ASSERT_TRUE(same_bits(found, expected)) << name(kernels->level);
      std::vector<std::int64_t> times(n), expected_times(n);
      if (law.logarithmic) continue;
      kernels->arrival_times(found.data(), n, 12345.678, 77, std::int64_t{1} << 50, 11, times.data());
      baseline_kernels().arrival_times(expected.data(), n, 12345.678, 77, std::int64_t{1} << 50, 11,
                                       expected_times.data());
      ASSERT_TRUE(same_bits(times, expected_times)) << name(kernels->level);
      const double sum = kernels->sum(found.data(), n);
      const double expected_sum = baseline_kernels().sum(expected.data(), n);
      ASSERT_EQ(std::bit_cast<std::uint64_t>(sum), std::bit_cast<std::uint64_t>(expected_sum))
          << name(kernels->level);
    }
  }
}

// A block is its units, however they are asked for.
TEST_P(GapsAtEveryLevel, UnitsCanBeMadeAlone) {
  const GapLaw law = make_gap_law(GetParam().family, GetParam().shape);
  const GapStreams streams = gap_streams(1, 2, 3);
  const Kernels& kernels = kernels_for();
  std::vector<double> whole(gaps_per_block);
  whole.resize(kernels.gaps(law, streams, 0, units_per_block, whole.data()));
  std::vector<double> parts;
  for (std::uint32_t unit = 0; unit < units_per_block; ++unit) {
    double part[gaps_per_unit];
    const std::uint32_t n = kernels.gaps(law, streams, unit, 1, part);
    parts.insert(parts.end(), part, part + n);
  }
  EXPECT_TRUE(same_bits(parts, whole));
}

TEST_P(GapsAtEveryLevel, AreFiniteAndNotNegative) {
  const GapLaw law = make_gap_law(GetParam().family, GetParam().shape);
  std::vector<double> gap(gaps_per_block);
  for (std::uint32_t block = 0; block < 200; ++block) {
    const std::uint32_t n = kernels_for().gaps(law, gap_streams(block, 0, 0), 0, units_per_block, gap.data());
    ASSERT_GT(n, gaps_per_block / 2);
    for (std::uint32_t i = 0; i < n; ++i) {
      ASSERT_TRUE(std::isfinite(gap[i]));
      if (!law.logarithmic) {
        ASSERT_GE(gap[i], 0.0);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GapsAtEveryLevel,
                         testing::Values(Shape{Family::exponential, 1}, Shape{Family::gamma, 0.005},
                                         Shape{Family::gamma, 0.0625}, Shape{Family::gamma, 0.3},
                                         Shape{Family::gamma, 1}, Shape{Family::gamma, 2.5},
                                         Shape{Family::gamma, 45000}, Shape{Family::gamma, 1e5},
                                         Shape{Family::weibull, 0.005}, Shape{Family::weibull, 0.15},
                                         Shape{Family::weibull, 1}, Shape{Family::weibull, 7.9},
                                         Shape{Family::weibull, 1e5}));

TEST(Kernels, DrawsAreTheSameAtEveryLevel) {
  const auto words = random_words(5000);
  const auto n = static_cast<std::uint32_t>(words.size());
  for (const std::uint32_t stride : {1u, 100000u}) {
    std::vector<std::uint32_t> values;
    std::vector<double> weights;
    for (std::uint32_t i = 0; i < 300; ++i) {
      values.push_back(7 + stride * i);
      weights.push_back(1.0 + i % 11);
    }
    const AliasTable table = make_alias_table(values, weights);
    ASSERT_EQ(table.wide, stride > 1);
    std::vector<std::uint32_t> expected(n);
    const auto draw = [&](const Kernels& kernels, std::vector<std::uint32_t>& out) {
      (table.wide ? kernels.draw_alias_wide : kernels.draw_alias)(table.cells.data(), table.size, table.base,
                                                                  words.data(), n, out.data());
    };
    draw(baseline_kernels(), expected);
    for (const std::uint32_t value : expected) {
      ASSERT_TRUE(std::binary_search(values.begin(), values.end(), value));
    }
    for (const Kernels* kernels : available_kernels()) {
      std::vector<std::uint32_t> found(n);
      draw(*kernels, found);
      EXPECT_EQ(found, expected) << name(kernels->level);
    }
  }
}

TEST(Kernels, InterpolationRoundingAndSecondsAreTheSameAtEveryLevel) {
  const auto words = random_words(4096);
  const auto n = static_cast<std::uint32_t>(words.size());
  const std::vector<double> quantiles{0.5, 0.5, 3.25, 1e4, 151068.0};
  std::vector<std::uint64_t> keys(n);
  for (std::uint32_t i = 0; i < n; ++i) keys[i] = static_cast<std::uint64_t>(words[i]) << 20 | i;
  std::vector<double> expected(n), expected_seconds(n);
  std::vector<std::uint32_t> expected_tokens(n);
  const auto run = [&](const Kernels& kernels, std::vector<double>& values,
                       std::vector<std::uint32_t>& tokens, std::vector<double>& seconds) {
    kernels.draw_interpolated(quantiles.data(), 5, words.data(), n, values.data());
    kernels.round_tokens(values.data(), n, 1.0, 100000.0, tokens.data());
    kernels.seconds(keys.data(), n, 14, std::int64_t{8'000'000'000'000'000}, seconds.data());
  };
  run(baseline_kernels(), expected, expected_tokens, expected_seconds);
  for (std::uint32_t i = 0; i < n; ++i) {
    ASSERT_GE(expected_tokens[i], 1u);
    ASSERT_LE(expected_tokens[i], 100000u);
    ASSERT_EQ(expected_seconds[i], static_cast<double>(8'000'000'000'000'000 + (keys[i] >> 14)) / 1e9);
  }
  for (const Kernels* kernels : available_kernels()) {
    std::vector<double> values(n), seconds(n);
    std::vector<std::uint32_t> tokens(n);
    run(*kernels, values, tokens, seconds);
    EXPECT_TRUE(same_bits(values, expected)) << name(kernels->level);
    EXPECT_TRUE(same_bits(seconds, expected_seconds)) << name(kernels->level);
    EXPECT_EQ(tokens, expected_tokens) << name(kernels->level);
  }
}

TEST(Kernels, NormalsRanksAndPlacesInBinsAreTheSameAtEveryLevel) {
  const std::vector<double> nodes = make_normal_table();
  const std::vector<std::uint32_t> first{0, 1, 2, 1000, 4000000000u};
  const std::vector<std::uint32_t> width{1, 1, 998, 3999999000u, 294967296u};
  constexpr std::uint32_t units = 2 * units_per_block + 3;
  constexpr std::uint32_t n = units * gaps_per_unit;
  const auto words = random_words(n);
  const auto run = [&](const Kernels& kernels, std::vector<double>& normals,
                       std::vector<std::uint32_t>& ranks, std::vector<std::uint32_t>& values) {
    kernels.draw_normals({7, 1, 2, 112}, 5, units, normals.data());
    kernels.normal_ranks({nodes.data()}, normals.data(), n, ranks.data());
    for (std::uint32_t i = 0; i < n; ++i) values[i] = i % 5;
    kernels.place_in_bins(first.data(), width.data(), words.data(), n, values.data());
  };
  std::vector<double> expected(n);
  std::vector<std::uint32_t> expected_ranks(n), expected_values(n);
  run(baseline_kernels(), expected, expected_ranks, expected_values);
  for (std::uint32_t i = 0; i < n; ++i) {
    ASSERT_GE(expected_values[i], first[i % 5]);
    ASSERT_LT(expected_values[i] - first[i % 5], width[i % 5]);
  }
  for (const Kernels* kernels : available_kernels()) {
    std::vector<double> normals(n);
    std::vector<std::uint32_t> ranks(n), values(n);
    run(*kernels, normals, ranks, values);
    EXPECT_TRUE(same_bits(normals, expected)) << name(kernels->level);
    EXPECT_EQ(ranks, expected_ranks) << name(kernels->level);
    EXPECT_EQ(values, expected_values) << name(kernels->level);
  }
}

TEST(Kernels, ScatterAndInsertionSortKeys) {
  std::mt19937_64 random(8);
  for (const Kernels* kernels : available_kernels()) {
    std::vector<std::uint64_t> keys(10000);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = (random() >> 24) << 14 | i;
    std::vector<std::uint64_t> sorted(keys.size());
    std::vector<std::uint32_t> counts(1u << 14);
    kernels->scatter_keys(keys.data(), 10000, 40, 1u << 14, counts.data(), sorted.data());
    kernels->insert_keys(sorted.data(), 10000);
    std::sort(keys.begin(), keys.end());
    EXPECT_EQ(sorted, keys) << name(kernels->level);
  }
}

TEST(Kernels, AnUnknownLevelIsRefusedWithTheKnownOnes) {
  try {
    (void)parse_kernel_level("avx9000");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("'avx9000'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("baseline"), std::string::npos);
  }
}

}  // namespace
}  // namespace tracetide
