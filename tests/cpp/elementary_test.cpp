#include "math/elementary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "math/bits.hpp"
#include "math/special.hpp"

namespace tracetide {
namespace {

// Error in units of the last place of the double nearest to the reference.
double ulps(double value, long double reference) {
  const double nearest = static_cast<double>(reference);
  const double ulp = std::nextafter(std::fabs(nearest), INFINITY) - std::fabs(nearest);
  return static_cast<double>(std::fabs(static_cast<long double>(value) - reference) /
                             static_cast<long double>(ulp));
}

TEST(Elementary, LogIsWithinOneUlp) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const double unit = portable::open_unit(random());
    ASSERT_LT(ulps(portable::log(unit), std::log(static_cast<long double>(unit))), 1.0) << unit;
    const double wide = std::ldexp(0.5 + unit, static_cast<int>(random() % 2000) - 1000);
    ASSERT_LT(ulps(portable::log(wide), std::log(static_cast<long double>(wide))), 1.0) << wide;
  }
  EXPECT_EQ(portable::log(1.0), 0.0);
}

TEST(Elementary, ExpIsWithinThreeUlpsAndUnderflowsToZero) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> arguments(-708.0, 709.0);
  for (int i = 0; i < 200000; ++i) {
    const double x = arguments(random);
    ASSERT_LT(ulps(portable::exp(x), std::exp(static_cast<long double>(x))), 3.0) << x;
  }
  EXPECT_EQ(portable::exp(0.0), 1.0);
  EXPECT_EQ(portable::exp(-708.5), 0.0);
  EXPECT_EQ(portable::exp(-1e300), 0.0);
  EXPECT_EQ(portable::exp(-INFINITY), 0.0);
}

TEST(Elementary, SineAndCosineOfATurn) {
  constexpr long double two_pi = 6.283185307179586476925286766559L;
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; ++i) {
    const double u = portable::open_unit(random());
    const auto turn = portable::sine_cosine_of_turn(u);
    const long double angle = two_pi * static_cast<long double>(u);
    ASSERT_NEAR(turn.sine, static_cast<double>(std::sin(angle)), 4e-16) << u;
    ASSERT_NEAR(turn.cosine, static_cast<double>(std::cos(angle)), 4e-16) << u;
  }
}

TEST(Elementary, OpenUnitNeverReachesItsEnds) {
  EXPECT_EQ(portable::open_unit(0), 0x1p-53);
  EXPECT_EQ(portable::open_unit(~std::uint64_t{0}), 1.0 - 0x1p-53);
}

TEST(Elementary, NearestIntegerRoundsTiesToEven) {
  EXPECT_EQ(portable::nearest_integer(0.5), 0);
  EXPECT_EQ(portable::nearest_integer(1.5), 2);
  EXPECT_EQ(portable::nearest_integer(2.4999), 2);
  EXPECT_EQ(portable::nearest_integer(0x1.8p51), std::int64_t{3} << 50);
}

TEST(Special, LogGammaAgreesWithTheLibrary) {
  for (const double x : {1e-5, 0.005, 0.1, 0.5, 0.99, 1.5, 3.0, 9.99, 10.0, 50.0, 201.0, 1e5, 1e9}) {
    const double expected = std::lgamma(x);  // NOLINT(concurrency-mt-unsafe): one thread
    EXPECT_NEAR(log_gamma(x), expected, 1e-13 * std::fabs(expected) + 1e-14) << x;
  }
  EXPECT_NEAR(log_gamma(1.0), 0.0, 1e-14);
  EXPECT_NEAR(log_gamma(2.0), 0.0, 1e-14);
}

TEST(Bits, MultiplyHighIsTheHighHalf) {
  EXPECT_EQ(multiply_high(~std::uint64_t{0}, ~std::uint64_t{0}), ~std::uint64_t{0} - 1);
  EXPECT_EQ(multiply_high(std::uint64_t{1} << 63, 10), 5u);
  EXPECT_EQ(multiply_high(0xFFFFFFFFu, 0xFFFFFFFFu), 0u);
  EXPECT_EQ(multiply_high(0x123456789ABCDEF0u, 0xFEDCBA9876543210u), 0x121FA00AD77D7422u);
}

}  // namespace
}  // namespace tracetide
