#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "tracetide/serving.hpp"

namespace tracetide {
namespace {

TEST(LatencyHistogram, OfNothingIsNotANumber) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  for (const double value :
       {histogram.mean_s(), histogram.min_s(), histogram.max_s(), histogram.quantile_s(0.5)})
    EXPECT_TRUE(std::isnan(value));
}

TEST(LatencyHistogram, QuantilesAreThoseOfTheValuesToOneIn512) {
  std::mt19937_64 random(1);
  std::vector<std::int64_t> values;
  LatencyHistogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    // All magnitudes, from single picoseconds to months.
    values.push_back(static_cast<std::int64_t>(random() >> (1 + random() % 62)));
    histogram.add(values.back());
  }
  std::ranges::sort(values);
  for (const double q : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(std::ceil(q * 20'000), 1.0));
    const double exact = static_cast<double>(values[rank - 1]) / 1e12;
    EXPECT_NEAR(histogram.quantile_s(q), exact, exact / 512) << q;
  }
  EXPECT_EQ(histogram.min_s(), static_cast<double>(values.front()) / 1e12);
  EXPECT_EQ(histogram.max_s(), static_cast<double>(values.back()) / 1e12);
}

TEST(LatencyHistogram, MeanIsExact) {
  LatencyHistogram histogram;
  // 2^62 + 1 sixteen times: more than a sum of 64 bits holds, and more than a double tells apart.
  histogram.add((std::int64_t{1} << 62) + 1, 16);
  EXPECT_DOUBLE_EQ(histogram.mean_s(), std::ldexp(1.0, 62) / 1e12);
  LatencyHistogram small;
  for (const std::int64_t value : {1, 2, 6}) small.add(value);
  EXPECT_DOUBLE_EQ(small.mean_s(), 3e-12);
}

TEST(LatencyHistogram, ASeriesIsItsValues) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 300; ++i) {
    const auto first = static_cast<std::int64_t>(random() >> (20 + random() % 44));
    const auto step = static_cast<std::int64_t>(random() % 3 == 0 ? 0 : random() >> (40 + random() % 24));
    const std::uint64_t values = random() % 100;
    const std::uint64_t count = random() % 5;
    LatencyHistogram at_once;
    LatencyHistogram one_by_one;
    at_once.add_series(first, step, values, count);
    for (std::uint64_t k = 0; k < values; ++k)
      one_by_one.add(first + step * static_cast<std::int64_t>(k), count);
    ASSERT_EQ(at_once.count(), one_by_one.count());
    if (at_once.count() == 0) continue;
    EXPECT_EQ(at_once.mean_s(), one_by_one.mean_s());
    EXPECT_EQ(at_once.max_s(), one_by_one.max_s());
    for (int percent = 0; percent <= 100; ++percent)
      ASSERT_EQ(at_once.quantile_s(percent / 100.0), one_by_one.quantile_s(percent / 100.0)) << percent;
  }
}

TEST(LatencyHistogram, RefusesWhatIsNoTimeOrQuantile) {
  LatencyHistogram histogram;
  EXPECT_THROW(histogram.add(-1), std::invalid_argument);
  EXPECT_THROW(histogram.add_series(0, -1, 2, 1), std::invalid_argument);
  EXPECT_THROW(histogram.add_series(1, std::int64_t{1} << 62, 3, 1), std::invalid_argument);
  EXPECT_THROW(histogram.add_series(0, 1, ~std::uint64_t{0}, 1), std::invalid_argument);
  EXPECT_THROW(histogram.add(1, ~std::uint64_t{0}); histogram.add(1), std::invalid_argument);
  LatencyHistogram longest;
  longest.add_series(1, (std::int64_t{1} << 62) - 1, 3, 1);
  EXPECT_EQ(longest.max_s(), std::ldexp(1.0, 63) / 1e12);
  EXPECT_THROW(longest.add_series(1, 1, std::uint64_t{1} << 62, 4), std::invalid_argument);
  EXPECT_EQ(longest.count(), 3u);
  for (const double q : {-0.1, 1.1, std::nan("")})
    EXPECT_THROW((void)histogram.quantile_s(q), std::invalid_argument);
}

}  // namespace
}  // namespace tracetide
