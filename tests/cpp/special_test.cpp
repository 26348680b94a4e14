#include "math/special.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "math/correlation.hpp"

namespace tracetide {
namespace {

void expect_near(double found, double expected, double relative) {
  EXPECT_NEAR(found, expected, relative * std::abs(expected));
}

TEST(Special, OneMinusExpKeepsItsDigitsNearZero) {
  for (const double x : {0.0, 1e-300, 1e-12, 0.03, 0.4999, 0.5001, 1.0, 30.0, 700.0})
    expect_near(one_minus_exp(x), -std::expm1(-x), 1e-14);
}

TEST(Special, LogOnePlus) {
  for (const double x : {0.0, 1e-300, 1e-15, 1e-6, 0.003, 0.01})
    expect_near(log_one_plus(x), std::log1p(x), 1e-15);
}

// erfc is exact to some units in the last place, also far out.
TEST(Special, NormalCdf) {
  for (int sixteenths = -37 * 16; sixteenths <= 37 * 16; ++sixteenths) {
    const double x = sixteenths / 16.0;
    expect_near(normal_cdf(x), 0.5 * std::erfc(-x / std::sqrt(2.0)), 1e-11);
    EXPECT_NEAR(normal_cdf(x) + normal_cdf(-x), 1.0, 1e-15);
  }
  EXPECT_EQ(normal_cdf(-1e300), 0.0);
  EXPECT_EQ(normal_cdf(1e300), 1.0);
}

// For whole shapes the upper tail is a sum of Poisson probabilities (Abramowitz & Stegun 6.5.13).
TEST(Special, GammaCdfOfWholeShapes) {
  for (const int shape : {1, 2, 7, 40}) {
    for (const double x : {0.01, 0.5, 1.0, 6.0, 20.0, 39.0, 41.0, 90.0}) {
      double term = std::exp(-x);
      double above = term;
      for (int k = 1; k < shape; ++k) above += term *= x / k;
      EXPECT_NEAR(gamma_cdf(shape, x), 1 - above, 1e-13) << shape << " " << x;
    }
  }
}

// P(1/2, x) = erf(sqrt x) (6.5.16); P(a + 1, x) = P(a, x) - x^a e^-x / Gamma(a + 1) (6.5.21).
TEST(Special, GammaCdfOfOtherShapes) {
  for (const double x : {1e-6, 0.1, 1.0, 5.0}) EXPECT_NEAR(gamma_cdf(0.5, x), std::erf(std::sqrt(x)), 1e-14);
  for (const double shape : {0.007, 0.3, 12.5, 300.25}) {
    for (const double x : {0.5 * shape, shape, shape + 1, 1.3 * shape + 2}) {
      const double log_factorial = std::lgamma(shape + 1);  // NOLINT(concurrency-mt-unsafe): one thread
      const double step = std::exp(shape * std::log(x) - x - log_factorial);
      EXPECT_NEAR(gamma_cdf(shape + 1, x), gamma_cdf(shape, x) - step, 1e-12) << shape << " " << x;
    }
  }
  // The median of a large shape is shape - 1/3 to within 0.02 / shape (Choi 1994).
  EXPECT_NEAR(gamma_cdf(45000, 45000 - 1.0 / 3), 0.5, 1e-8);
  EXPECT_EQ(gamma_cdf(2, 0), 0);
  EXPECT_EQ(gamma_cdf(2, -1), 0);
  EXPECT_EQ(gamma_cdf(2, INFINITY), 1);
}

TEST(Correlation, NormalFromSpearman) {
  EXPECT_EQ(normal_correlation(0), 0);
  // Pearson (1907): rho = 2 sin(pi rho_s / 6).
  for (const double spearman : {-0.99, -0.5, 0.1, 0.5, 0.75, 0.999})
    EXPECT_NEAR(normal_correlation(spearman), 2 * std::sin(std::numbers::pi * spearman / 6), 1e-14);
}

TEST(Correlation, CholeskyGivesTheLowerFactor) {
  std::vector<double> matrix{1, 0, 0, 0.5, 1, 0, -0.25, 0.3, 1};
  const std::vector<double> given = matrix;
  ASSERT_TRUE(cholesky(matrix, 3));
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double sum = 0;
      for (std::size_t k = 0; k < 3; ++k) sum += matrix[row * 3 + k] * matrix[column * 3 + k];
      EXPECT_NEAR(sum, given[row * 3 + column], 1e-15);
    }
  }
  std::vector<double> contradictory{1, 0, 0, 0.9, 1, 0, 0.9, -0.9, 1};
  EXPECT_FALSE(cholesky(contradictory, 3));
}

}  // namespace
}  // namespace tracetide
