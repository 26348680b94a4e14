// Gaps that are drawn from a table.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "arrivals/arrival_plan.hpp"
#include "arrivals/gap_tables.hpp"
#include "tracetide/profile_builder.hpp"

namespace tracetide {
namespace {

// Short gaps of about 1, and a few of about 2^9: on and off.
std::vector<double> on_and_off() {
  std::vector<double> probabilities(160, 0.0);
  for (std::size_t i = 0; i < 16; ++i) probabilities[i] = 1;
  probabilities[80] = 0.5;
  for (std::size_t i = 144; i < 160; ++i) probabilities[i] = 0.01;
  return probabilities;
}

Profile profile_of(const std::vector<double>& probabilities, int first_bin = -3) {
  ProfileBuilder builder(Category::language, {600'000'000'000, 1, 600'000'000'000, 1}, Counts::pinned);
  builder.add_client("a");
  const auto table = builder.add_gap_table({first_bin, probabilities});
  builder.add_cell(0, 0, {1, static_cast<double>(table), 1, Family::table});
  const std::vector<std::uint32_t> value{1};
  const std::vector<double> one{1};
  const auto length = builder.add_integer_pmf(value, one);
  builder.set_field(0, 0, Field::input_tokens, length);
  builder.set_field(0, 0, Field::output_tokens, length);
  return builder.build();
}

std::vector<double> draw(const GapLaw& law, const Kernels& kernels, std::uint32_t blocks) {
  std::vector<double> gaps(std::size_t{blocks} * gaps_per_block);
  const GapStreams streams = gap_streams(3, 1, 2);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    EXPECT_EQ(kernels.gaps(law, streams, block * units_per_block, units_per_block,
                           gaps.data() + std::size_t{block} * gaps_per_block),
              gaps_per_block);
  }
  return gaps;
}

// Chi-square over the bins against the probabilities, 33 cells: above 75 once in 40,000.
TEST(GapTable, BinsHaveTheirProbabilities) {
  const std::vector<double> probabilities = on_and_off();
  const Profile profile = profile_of(probabilities);
  const GapTables tables(profile);
  const GapLaw law = tables.law(Family::table, 0);
  const std::vector<double> gaps = draw(law, kernels_for(), 2000);
  double total = 0;
  double mean = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    total += probabilities[i];
    mean += probabilities[i] * std::exp2((static_cast<double>(i) - 3) / 16) * (std::exp2(1.0 / 16) - 1) * 16 /
            std::log(2.0);
  }
  mean /= total;
  std::vector<double> counts(probabilities.size());
  double sum = 0;
  double places = 0;
  for (const double gap : gaps) {
    const double place = std::log2(gap * mean) * 16 + 3;
    ASSERT_GE(place, -1e-9);
    ASSERT_LT(place, static_cast<double>(probabilities.size()));
    const double bin = std::floor(place + 1e-9);
    ++counts[static_cast<std::size_t>(bin)];
    places += place - bin;
    sum += gap;
  }
  double chi_square = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double expected = probabilities[i] / total * static_cast<double>(gaps.size());
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0);
      continue;
    }
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  EXPECT_LT(chi_square, 75);
  const auto n = static_cast<double>(gaps.size());
  EXPECT_NEAR(places / n, 0.5, 4.5 * std::sqrt(1 / 12.0 / n));
  // Its standard deviation is below 10 means.
  EXPECT_NEAR(sum / n, 1, 4.5 * 10 / std::sqrt(n));
}

TEST(GapTable, IsTheSameOnEveryLevelAndByTheFew) {
  const Profile profile = profile_of(on_and_off());
  const GapTables tables(profile);
  const GapLaw law = tables.law(Family::table, 0);
  const std::vector<double> expected = draw(law, kernels_for(KernelLevel::baseline), 3);
  for (const Kernels* kernels : available_kernels()) {
    EXPECT_EQ(draw(law, *kernels, 3), expected);
    std::vector<double> few(gaps_per_unit);
    ASSERT_EQ(kernels->few_gaps(law, gap_streams(3, 1, 2), 0, few.data()), few_candidates);
    for (std::size_t i = 0; i < few_candidates; ++i) EXPECT_EQ(few[i], expected[i]);
  }
}

// The time from a moment to the next arrival has mean E g^2 / (2 E g). Its own second moment is E g^3 / (3 E
// g).
TEST(GapTable, RecurrenceTimesHaveTheirMean) {
  const std::vector<double> probabilities = on_and_off();
  const Profile profile = profile_of(probabilities);
  const GapTables tables(profile);
  const GapLaw law = tables.law(Family::table, 0);
  const auto moment = [&](double power) {
    double total = 0;
    double sum = 0;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      const double start = law.table.start[i];
      total += probabilities[i];
      sum += probabilities[i] * std::pow(start, power) * (std::exp2(power / 16) - 1) * 16 /
             (power * std::log(2.0));
    }
    return sum / total;
  };
  constexpr int draws = 40000;
  double sum = 0;
  for (int i = 0; i < draws; ++i)
    sum += forward_recurrence(
        law, {1, 2, static_cast<std::uint32_t>(i), static_cast<std::uint8_t>(Purpose::first_gap)});
  const double mean = moment(2) / 2;
  const double deviation = std::sqrt(moment(3) / 3 - mean * mean);
  EXPECT_NEAR(moment(1), 1, 1e-12);
  EXPECT_NEAR(sum / draws, mean, 4.5 * deviation / std::sqrt(draws));
}

TEST(GapTable, RenewalCountsHaveTheirRate) {
  const Profile profile = profile_of(on_and_off());
  const GapTables tables(profile);
  ArrivalPlan plan(kernels_for(), ~std::uint64_t{0});
  ArrivalScratch scratch;
  ClientWindow window;
  window.law = tables.law(Family::table, 0);
  window.counts = Counts::renewal;
  window.length_ns = 600'000'000'000;
  window.rate = 0.5;
  constexpr int windows = 3000;
  double sum = 0;
  double squares = 0;
  for (int w = 0; w < windows; ++w) {
    window.window = static_cast<std::uint32_t>(w);
    plan.make(window, scratch);
    sum += static_cast<double>(plan.size());
    squares += static_cast<double>(plan.size() * plan.size());
  }
  const double mean = sum / windows;
  EXPECT_NEAR(mean, 300, 4.5 * std::sqrt((squares / windows - mean * mean) / windows));
}

}  // namespace
}  // namespace tracetide
