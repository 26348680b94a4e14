#include "fields/copula.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "math/special.hpp"
#include "profile/builder.hpp"
#include "tracetide/error.hpp"
#include "tracetide/stream.hpp"

namespace tracetide {
namespace {

using Integers = std::vector<std::uint32_t>;
using Reals = std::vector<double>;

/// Two clients with lengths from 1 to 1000, the first of them correlated.
Profile correlated_profile(double spearman) {
  ImageBuilder builder(Category::language, {10'000'000'000, 6, 60'000'000'000, 1}, Counts::pinned, "{}");
  Integers values(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) values[i] = i + 1;
  const std::uint32_t lengths = builder.add_integer_pmf(values, Reals(1000, 1e-3));
  for (const char* name : {"correlated", "independent"}) {
    const std::uint32_t client = builder.add_client(name);
    for (std::uint32_t window = 0; window < 6; ++window)
      builder.add_cell(client, window, {300, 1, 1, Family::exponential});
    for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, lengths);
  }
  builder.set_correlation(0, 1, 0, spearman);
  return Profile::from_image(builder.image());
}

/// Correlation of the lengths, uniform ones, of a client; where they are equally likely it is Spearman's.
double correlation_of(const Job& job, std::uint32_t client) {
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  Stream stream(job, {.threads = 1});
  while (const Batch* batch = stream.next()) {
    for (std::size_t i = 0; i < batch->size(); ++i) {
      if (batch->client_id()[i] != client) continue;
      const double a = batch->input_tokens()[i], b = batch->output_tokens()[i];
      n += 1, x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
    }
  }
  return (n * xy - x * y) / std::sqrt((n * xx - x * x) * (n * yy - y * y));
}

TEST(Copula, GivesTheSpearmanCorrelationOfTheProfile) {
  for (const double spearman : {-0.9, 0.3, 0.95}) {
    const Job job(correlated_profile(spearman), {});
    EXPECT_EQ(job.coupling(), Coupling::copula);
    ASSERT_EQ(job.count(), 36000u);
    // Six standard errors of independent pairs, 1 / sqrt(18000), bound those of dependent ones.
    EXPECT_NEAR(correlation_of(job, 0), spearman, 0.045);
    EXPECT_NEAR(correlation_of(job, 1), 0, 0.045);
  }
}

TEST(Copula, OfAJobIsThatOfAllClients) {
  JobOptions options;
  options.coupling = Coupling::copula;
  options.correlations = {{Field::output_tokens, Field::input_tokens, 0.6}};
  const Job job(correlated_profile(-0.5), options);
  EXPECT_NEAR(correlation_of(job, 0), 0.6, 0.045);
  EXPECT_NEAR(correlation_of(job, 1), 0.6, 0.045);
}

TEST(Copula, CanBeLeftOut) {
  const Profile profile = correlated_profile(0.9);
  const Job job(profile, {.coupling = Coupling::independent});
  EXPECT_NEAR(correlation_of(job, 0), 0, 0.045);
}

TEST(Copula, RanksAreThoseOfTheNormalLaw) {
  const std::vector<double> nodes = make_normal_table();
  std::vector<double> normals;
  normals.reserve(2 * 2162 + 1);
  for (int i = -2162; i <= 2162; ++i) normals.push_back(0.0037 * i);
  std::vector<std::uint32_t> ranks(normals.size());
  kernels_for().normal_ranks({nodes.data()}, normals.data(), static_cast<std::uint32_t>(normals.size()),
                             ranks.data());
  for (std::size_t i = 0; i < normals.size(); ++i)
    ASSERT_NEAR(ranks[i] * 0x1p-32, normal_cdf(normals[i]), 5e-10) << normals[i];
}

TEST(Copula, WrongCorrelationsAreNamed) {
  const Profile profile = correlated_profile(0.5);
  const auto error_of = [&](std::vector<FieldCorrelation> correlations,
                            Coupling coupling = Coupling::copula) -> std::string {
    JobOptions options;
    options.coupling = coupling;
    options.correlations = std::move(correlations);
    try {
      (void)Job(profile, options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "no error";
  };
  const auto expect = [&](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(error_of({{Field::input_tokens, Field::reason_ratio, 0.5}}), "reason_ratio");
  expect(error_of({{Field::input_tokens, Field::input_tokens, 0.5}}), "two different fields");
  expect(error_of({{Field::input_tokens, Field::output_tokens, 1.0}}), "correlation: 1");
  expect(error_of({{Field::input_tokens, Field::output_tokens, NAN}}), "correlation: nan");
  expect(error_of({{Field::input_tokens, Field::output_tokens, 0.5},
                   {Field::output_tokens, Field::input_tokens, 0.5}}),
         "given once");
  expect(error_of({{Field::input_tokens, Field::output_tokens, 0.5}}, Coupling::independent), "correlations");
}

}  // namespace
}  // namespace tracetide
