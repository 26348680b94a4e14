// Laws as bins and as quantile functions.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tracetide/distributions.hpp"

namespace tracetide::laws {
namespace {

double below(const Law& law, double n) { return law.cdf(std::nextafter(n - 0.5, -1e300)); }

void expect_bins_of(const Law& law, std::uint32_t minimum, std::uint32_t maximum) {
  const Bins bins = make_bins(law, minimum, maximum);
  ASSERT_EQ(bins.first.size(), bins.probability.size());
  ASSERT_LE(bins.first.size(), 24u * 1024);
  EXPECT_GE(bins.first.front(), minimum);
  EXPECT_LE(bins.maximum, maximum);
  double reached = 0;
  for (std::size_t i = 0; i < bins.first.size(); ++i) {
    const bool is_last = i + 1 == bins.first.size();
    const std::uint64_t end = is_last ? std::uint64_t{bins.maximum} + 1 : bins.first[i + 1];
    ASSERT_GT(end, bins.first[i]);
    const std::uint64_t distance = bins.first[i] - minimum;
    ASSERT_LE(end - bins.first[i], std::max<std::uint64_t>(1, distance / 1024));
    reached += bins.probability[i];
    ASSERT_NEAR(reached, end > maximum ? 1.0 : below(law, static_cast<double>(end)), 1e-9) << bins.first[i];
  }
  EXPECT_NEAR(reached, 1.0, 1e-9);
}

TEST(Bins, HaveTheProbabilitiesOfTheLaw) {
  expect_bins_of(Exponential(300), 1, 1'000'000);
  expect_bins_of(LogNormal::with_median(1000, 1.5), 1, 131072);
  expect_bins_of(Pareto(0.8, 2), 0, 4294967295u);
  expect_bins_of(Gamma(45000, 1), 1, 100'000);
  expect_bins_of(Weibull(0.3, 20), 5, 5000);
  expect_bins_of(Uniform(10.2, 4000.7), 0, 3000);
  expect_bins_of(Zipf(1.2, 1'000'000), 1, 500'000);
  expect_bins_of(Mixture({{0.3, Exponential(20)}, {0.7, Pareto(2, 500)}}), 1, 200'000);
}

TEST(Bins, HoldWhatIsClampedAtTheEnds) {
  const Bins bins = make_bins(Exponential(1e6), 5000, 100'000);
  EXPECT_EQ(bins.first.front(), 5000u);
  EXPECT_NEAR(bins.probability.front(), 1 - std::exp(-5000.5 / 1e6), 1e-12);
  EXPECT_EQ(bins.first.back(), 100'000u);
  EXPECT_EQ(bins.maximum, 100'000u);
  EXPECT_NEAR(bins.probability.back(), std::exp(-99'999.5 / 1e6), 1e-12);
}

TEST(Bins, RoundHalfUp) {
  const Bins bins =
      make_bins(AliasTable(std::vector<double>{1.4, 2.5, 7.5}, std::vector<double>{1, 1, 2}), 0, 9);
  EXPECT_EQ(bins.first, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  const std::vector<double> expected{0.25, 0, 0.25, 0, 0, 0, 0, 0.5};
  EXPECT_EQ(bins.probability, expected);
  EXPECT_EQ(bins.maximum, 8u);
}

TEST(Bins, CanBeOneNumber) {
  const Bins bins = make_bins(Constant(12), 1, 4294967295u);
  EXPECT_EQ(bins.first, std::vector<std::uint32_t>{12});
  EXPECT_EQ(bins.maximum, 12u);
  EXPECT_EQ(make_bins(Exponential(5), 7, 7).probability, std::vector<double>{1});
}

TEST(Bins, RefuseAnEmptyRange) { EXPECT_THROW((void)make_bins(Exponential(1), 2, 1), std::invalid_argument); }

TEST(Quantiles, InvertTheDistributionFunction) {
  const LogNormal law(-1, 0.4);
  const auto quantiles = make_quantiles(law, 101, 0, 1);
  ASSERT_EQ(quantiles.size(), 101u);
  for (std::size_t k = 1; k < 100; ++k) {
    const double p = static_cast<double>(k) / 100;
    if (quantiles[k] < 1) {
      EXPECT_NEAR(law.cdf(quantiles[k]), p, 1e-12);
    } else {
      EXPECT_LE(law.cdf(1), p);
    }
  }
  EXPECT_LT(quantiles.front(), 0.06);
  EXPECT_EQ(quantiles.back(), 1.0);
}

TEST(Quantiles, OfAtomsAndClamped) {
  const auto constant = make_quantiles(Constant(0.3), 3, 0, 1);
  for (const double quantile : constant) EXPECT_NEAR(quantile, 0.3, 1e-15);
  const auto clamped = make_quantiles(Uniform(0, 4), 5, 1, 2);
  EXPECT_EQ(clamped.front(), 1.0);
  EXPECT_NEAR(clamped[2], 2.0, 1e-15);
  EXPECT_EQ(clamped.back(), 2.0);
}

TEST(Quantiles, RefuseWrongArguments) {
  EXPECT_THROW((void)make_quantiles(Exponential(1), 1, 0, 1), std::invalid_argument);
  EXPECT_THROW((void)make_quantiles(Exponential(1), 2, 1, 1), std::invalid_argument);
  EXPECT_THROW((void)make_quantiles(Exponential(1), 2, 0, INFINITY), std::invalid_argument);
}

}  // namespace
}  // namespace tracetide::laws
