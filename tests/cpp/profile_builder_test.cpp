#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "profile/builder.hpp"
#include "tracetide/error.hpp"

namespace tracetide {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Grid grid{600, 4, 1200, 3};

using Integers = std::vector<std::uint32_t>;
using Reals = std::vector<double>;

ImageBuilder language_builder() { return {Category::language, grid, Counts::renewal, R"({"name": "test"})"}; }

/// The message of the ProfileError that `action` throws.
template <typename Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const ProfileError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no ProfileError";
  return {};
}

#define EXPECT_ERROR(action, part) EXPECT_NE(error_of([&] { (void)(action); }).find(part), std::string::npos)

TEST(ImageBuilder, GivesBackWhatWasAdded) {
  ImageBuilder builder = language_builder();
  const auto anna = builder.add_client("anna");
  const auto bert = builder.add_client("bert");
  builder.add_cell(bert, 2, {3.0, 0.5, nan, Family::weibull});
  builder.add_cell(anna, 2, {1.0, 2.0, 0.7, Family::gamma});
  builder.add_cell(anna, 0, {0.25, 1.0, 1.0, Family::exponential});
  const auto pmf = builder.add_integer_pmf(Integers{1, 5}, Reals{0.25, 0.75});
  const auto quantiles = builder.add_quantiles(Reals{0, 10, 10.5}, 1, 20);
  builder.set_field(1, bert, 0, pmf);
  builder.set_field(1, bert, 1, quantiles);

  const Profile profile = Profile::from_image(builder.image());
  EXPECT_EQ(profile.category(), Category::language);
  EXPECT_EQ(profile.default_counts(), Counts::renewal);
  EXPECT_EQ(profile.metadata(), R"({"name": "test"})");
  EXPECT_EQ(profile.clients(), 2u);
  EXPECT_EQ(profile.client_name(0), "anna");
  EXPECT_EQ(profile.client_name(1), "bert");
  EXPECT_EQ(profile.window_ns(), 600);
  EXPECT_EQ(profile.period_ns(), 2400);
  EXPECT_EQ(profile.epoch_of(1), 0u);
  EXPECT_EQ(profile.epoch_of(2), 1u);

  EXPECT_EQ(profile.cells(0).rate.size(), 1u);
  EXPECT_EQ(profile.cells(1).rate.size(), 0u);
  const WindowCells cells = profile.cells(2);
  ASSERT_EQ(cells.client.size(), 2u);
  EXPECT_EQ(cells.client[0], anna);
  EXPECT_EQ(cells.client[1], bert);
  EXPECT_EQ(cells.rate[1], 3.0);
  EXPECT_EQ(cells.shape[0], 2.0);
  EXPECT_EQ(cells.cv[0], 0.7);
  EXPECT_TRUE(std::isnan(cells.cv[1]));
  EXPECT_EQ(cells.family[1], Family::weibull);

  const Distribution found = profile.distribution(profile.recorded(1, bert, 0));
  EXPECT_EQ(found.kind, DistributionKind::integer_pmf);
  EXPECT_EQ(found.integer_values[1], 5u);
  EXPECT_EQ(found.probabilities[1], 0.75);
  EXPECT_EQ(found.minimum, 1.0);
  EXPECT_EQ(found.maximum, 5.0);
  const Distribution knots = profile.distribution(profile.recorded(1, bert, 1));
  EXPECT_EQ(knots.kind, DistributionKind::quantiles);
  EXPECT_EQ(knots.real_values.size(), 3u);
  EXPECT_TRUE(knots.probabilities.empty());
  EXPECT_EQ(knots.maximum, 20.0);
}

TEST(ImageBuilder, TakesMissingDistributionsFromTheNearestEarlierElseLaterCompleteEpoch) {
  ImageBuilder builder(Category::language, {600, 6, 600, 6}, Counts::pinned, "{}");
  builder.add_client("has some");
  builder.add_client("has none");
  const auto a = builder.add_integer_pmf(Integers{1}, Reals{1});
  const auto b = builder.add_integer_pmf(Integers{2}, Reals{1});
  for (const std::uint32_t field : {0u, 1u}) {
    builder.set_field(1, 0, field, a);
    builder.set_field(4, 0, field, b);
  }
  builder.set_field(3, 0, 0, b);  // only one of two fields: as if there were none
  builder.set_field(2, 1, 0, b);
  const Profile profile = Profile::from_image(builder.image());
  EXPECT_EQ(profile.recorded(0, 0, 0), Profile::missing);
  EXPECT_EQ(profile.recorded(3, 0, 0), b);
  const std::vector<std::uint32_t> expected = {a, a, a, a, b, b};
  for (std::uint32_t epoch = 0; epoch < 6; ++epoch) {
    EXPECT_EQ(profile.resolved(epoch, 0, 0), expected[epoch]) << epoch;
    EXPECT_EQ(profile.resolved(epoch, 0, 1), expected[epoch]) << epoch;
    EXPECT_EQ(profile.resolved(epoch, 1, 0), Profile::missing) << epoch;
  }
  EXPECT_TRUE(profile.has_fields(0));
  EXPECT_FALSE(profile.has_fields(1));
}

TEST(ImageBuilder, GivesEqualDistributionsOneId) {
  ImageBuilder builder(Category::reason, grid, Counts::pinned, "{}");
  builder.add_client("");
  const auto pmf = builder.add_integer_pmf(Integers{1, 2}, Reals{0.5, 0.5});
  const auto real = builder.add_real_pmf(Reals{0, 1}, Reals{0.5, 0.5});
  const auto quantiles = builder.add_quantiles(Reals{0, 1}, 0, 1);
  EXPECT_EQ(builder.add_quantiles(Reals{0, 1}, 0, 1), quantiles);
  EXPECT_EQ(builder.add_integer_pmf(Integers{1, 2}, Reals{0.5, 0.5}), pmf);
  EXPECT_EQ(builder.add_real_pmf(Reals{0, 1}, Reals{0.5, 0.5}), real);
  EXPECT_NE(builder.add_integer_pmf(Integers{1, 2}, Reals{0.25, 0.75}), pmf);
  EXPECT_NE(builder.add_quantiles(Reals{0, 1}, 0, 2), quantiles);
  EXPECT_NE(real, quantiles);
  EXPECT_EQ(Profile::from_image(builder.image()).distributions(), 5u);
}

TEST(ImageBuilder, GivesTheSameImageInWhateverOrderCellsAreAdded) {
  const auto image = [](bool backwards) {
    ImageBuilder builder = language_builder();
    for (const char* name : {"a", "b", "c"}) builder.add_client(name);
    for (std::uint32_t i = 0; i < 12; ++i) {
      const std::uint32_t k = backwards ? 11 - i : i;
      builder.add_cell(k / 4, k % 4, {1.0 + k, 1, 1, Family::gamma});
    }
    return builder.image();
  };
  EXPECT_EQ(image(false), image(true));
}

TEST(ImageBuilder, RefusesTwoCellsOfAClientInAWindow) {
  ImageBuilder builder = language_builder();
  builder.add_client("a");
  builder.add_client("b");
  for (const std::uint32_t client : {1u, 0u, 1u}) builder.add_cell(client, 3, {1, 1, 1, Family::gamma});
  EXPECT_ERROR(builder.image(), "client 1 has two cells in window 3");
}

TEST(ImageBuilder, RefusesWrongGrids) {
  const auto build = [](Grid wrong, Counts counts = Counts::pinned, std::string metadata = "{}") {
    return ImageBuilder(Category::language, wrong, counts, std::move(metadata));
  };
  EXPECT_ERROR(build({0, 4, 600, 1}), "window_ns 0");
  EXPECT_ERROR(build({600, 0, 600, 1}), "windows 0");
  EXPECT_ERROR(build({600, 4, 900, 1}), "epoch_ns 900");
  EXPECT_ERROR(build({600, 4, 0, 1}), "epoch_ns 0");
  EXPECT_ERROR(build({600, 4, 600, 0}), "epochs 0");
  EXPECT_ERROR(build({std::int64_t{1} << 61, 4, std::int64_t{1} << 61, 1}), "2^62");
  EXPECT_ERROR(build(grid, Counts::profile), "default_counts");
  EXPECT_ERROR(build(grid, Counts::pinned, "[]"), "metadata");
  EXPECT_ERROR(build(grid, Counts::pinned, R"({"a": 1} x)"), "metadata");
  EXPECT_ERROR(build(grid, Counts::pinned, "{\"\xFF\": 1}"), "UTF-8");
  EXPECT_ERROR(build(grid, Counts::pinned, "{\"a\": " + std::string(100, '[')), "64 levels");
  EXPECT_ERROR(ImageBuilder(Category::language, grid, Counts::pinned, "{}").image(), "clients 0");
}

TEST(ImageBuilder, RefusesWrongCells) {
  ImageBuilder builder = language_builder();
  builder.add_client("a");
  const auto add = [&](Cell cell) { builder.add_cell(0, 0, cell); };
  for (const double rate : {0.0, -1.0, nan, infinity, 1.1e12}) {
    EXPECT_ERROR((add({rate, 1, 1, Family::gamma}), 0), "rate ") << rate;
  }
  for (const double shape : {0.004, 1.1e5, nan, infinity}) {
    EXPECT_ERROR((add({1, shape, 1, Family::weibull}), 0), "shape ") << shape;
  }
  EXPECT_ERROR((add({1, 2, 1, Family::exponential}), 0), "shape 2");
  EXPECT_ERROR((add({1, 1, -1, Family::gamma}), 0), "cv -1");
  EXPECT_ERROR((add({1, 1, infinity, Family::gamma}), 0), "cv inf");
  // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): what is refused here is such a value
  EXPECT_ERROR((add({1, 1, 1, static_cast<Family>(4)}), 0), "family 4");
  EXPECT_ERROR((add({1, 0, 1, Family::table}), 0), "table 0; there are 0");
  EXPECT_ERROR((builder.add_cell(1, 0, {1, 1, 1, Family::gamma}), 0), "client 1; there are 1");
  EXPECT_ERROR((builder.add_cell(0, 4, {1, 1, 1, Family::gamma}), 0), "window 4; there are 4");
}

TEST(ImageBuilder, RefusesWrongDistributions) {
  ImageBuilder builder = language_builder();
  builder.add_client("a");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{}, Reals{}), "without values");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{1, 2}, Reals{1}), "2 values and 1 probabilities");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{2, 1}, Reals{0.5, 0.5}), "1 follows 2");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{1, 1}, Reals{0.5, 0.5}), "1 follows 1");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{1, 2}, Reals{1.5, -0.5}), "probability -0.5");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{1, 2}, Reals{1, nan}), "probability nan");
  EXPECT_ERROR(builder.add_integer_pmf(Integers{1}, Reals{0}), "sum to 0");
  EXPECT_ERROR(builder.add_real_pmf(Reals{nan}, Reals{1}), "not finite");
  EXPECT_ERROR(builder.add_quantiles(Reals{1}, 0, 2), "1 quantiles");
  EXPECT_ERROR(builder.add_quantiles(Reals{2, 1}, 0, 2), "not ascending");
  EXPECT_ERROR(builder.add_quantiles(Reals{1, infinity}, 0, 2), "not finite");
  EXPECT_ERROR(builder.add_quantiles(Reals{1, 2}, 3, 2), "minimum 3");
  const auto id = builder.add_integer_pmf(Integers{1}, Reals{1});
  EXPECT_ERROR((builder.set_field(0, 0, 0, id + 1), 0), "distribution 1; there are 1");
  EXPECT_ERROR((builder.set_field(3, 0, 0, id), 0), "epoch 3; there are 3");
  EXPECT_ERROR((builder.set_field(0, 0, 2, id), 0), "field 2; there are 2");
  EXPECT_ERROR((builder.set_field(0, 1, 0, id), 0), "client 1; there are 1");
}

TEST(ImageBuilder, RefusesDistributionsThatDoNotFitTheField) {
  const auto with = [](std::uint32_t field, auto&& add) {
    ImageBuilder builder(Category::reason, grid, Counts::pinned, "{}");
    builder.add_client("a");
    builder.set_field(0, 0, field, add(builder));
    return builder.image();
  };
  const std::uint32_t tokens = 0;
  const std::uint32_t ratio = 2;
  const auto quantiles = [](double last, double low, double high) {
    return [=](ImageBuilder& b) { return b.add_quantiles(Reals{0, last}, low, high); };
  };
  EXPECT_ERROR(with(ratio, [](auto& b) { return b.add_integer_pmf(Integers{0}, Reals{1}); }),
               "cannot serve reason_ratio");
  EXPECT_ERROR(with(ratio, [](auto& b) { return b.add_real_pmf(Reals{1.5}, Reals{1}); }),
               "cannot serve reason_ratio");
  EXPECT_ERROR(with(ratio, quantiles(2, 0, 1)), "cannot serve reason_ratio");
  EXPECT_ERROR(with(tokens, [](auto& b) { return b.add_real_pmf(Reals{1}, Reals{1}); }),
               "cannot serve input_tokens");
  EXPECT_ERROR(with(tokens, quantiles(5e9, 0, 10)), "cannot serve input_tokens");
  EXPECT_ERROR(with(tokens, quantiles(5, 0.5, 10)), "cannot serve input_tokens");
  EXPECT_NO_THROW((void)with(ratio, quantiles(1, 0, 1)));
  EXPECT_NO_THROW((void)with(tokens, quantiles(5, 1, 10)));
}

TEST(ImageBuilder, GapTablesAndNoiseComeBackAndAreCopied) {
  ImageBuilder builder = language_builder();
  builder.add_client("a");
  const auto length = builder.add_integer_pmf(Integers{5}, Reals{1});
  const auto first = builder.add_gap_table({-20, Reals{1, 0, 3}});
  EXPECT_EQ(builder.add_gap_table({-20, Reals{1, 0, 3}}), first);
  const auto second = builder.add_gap_table({7, Reals{2}});
  EXPECT_EQ(second, first + 1);
  builder.add_cell(0, 1, {1, static_cast<double>(second), nan, Family::table});
  builder.set_rate_noise(0, {.rho = 0.25, .levels = 4});
  for (const std::uint32_t field : {0u, 1u}) builder.set_field(0, 0, field, length);
  builder.repeat_client(std::vector<std::string>{"b"});
  const Profile profile = Profile::from_image(builder.image());
  ASSERT_EQ(profile.gap_tables(), 2u);
  EXPECT_EQ(profile.gap_table(0).first_bin, -20);
  EXPECT_EQ(profile.gap_table(0).probabilities.size(), 3u);
  EXPECT_EQ(profile.rate_noise(1).levels, 4u);
  // A copy has only the tables of the clients that it has.
  ImageBuilder other = language_builder();
  other.add_copy(profile, 1, "c", 2);
  const Profile copy = Profile::from_image(other.image());
  ASSERT_EQ(copy.gap_tables(), 1u);
  EXPECT_EQ(copy.gap_table(0).first_bin, 7);
  EXPECT_EQ(copy.cells(1).shape[0], 0);
  EXPECT_EQ(copy.rate_noise(0).rho, 0.25);
  // Gaps of another law are not in bursts.
  const Profile even = profile.with_gaps(Family::gamma, 2, nan);
  EXPECT_EQ(even.gap_tables(), 0u);
  EXPECT_EQ(even.rate_noise(0).levels, 0u);
}

TEST(ImageBuilder, RefusesWrongGapTablesAndNoise) {
  ImageBuilder builder = language_builder();
  builder.add_client("a");
  EXPECT_ERROR(builder.add_gap_table({0, Reals{}}), "gap table: no bins");
  EXPECT_ERROR(builder.add_gap_table({-1025, Reals{1}}), "bins -1025 to -1025; allowed: -1024 to 1023");
  EXPECT_ERROR(builder.add_gap_table({1023, Reals{1, 1}}), "bins 1023 to 1024");
  EXPECT_ERROR(builder.add_gap_table({0, Reals{1, -1}}), "probability -1");
  EXPECT_ERROR(builder.add_gap_table({0, Reals{0}}), "sum to 0");
  Reals far(1000, 0.0);
  far.front() = 1;
  far.back() = 1e-15;
  EXPECT_ERROR(builder.add_gap_table({0, far}), "times the mean; allowed: at most 2^40");
  const auto set = [&](double rho, std::uint32_t levels) { builder.set_rate_noise(0, {rho, levels, 0}); };
  EXPECT_ERROR((set(-0.1, 1), 0), "rho -0.1; allowed: 0 to 0.9");
  EXPECT_ERROR((set(0.91, 1), 0), "rho 0.91");
  EXPECT_ERROR((set(nan, 1), 0), "rho nan");
  EXPECT_ERROR((set(0.1, 11), 0), "11 levels; allowed: 0 to 10");
  EXPECT_ERROR((builder.set_rate_noise(1, {}), 0), "client 1; there are 1");
}

TEST(ImageBuilder, BinsComeBackAndEqualOnesAreOne) {
  ImageBuilder builder = language_builder();
  builder.add_client("a");
  const auto bins = builder.add_bins(Integers{0, 1, 100}, Reals{0.5, 0.25, 0.25}, 4294967295.0);
  EXPECT_EQ(builder.add_bins(Integers{0, 1, 100}, Reals{0.5, 0.25, 0.25}, 4294967295.0), bins);
  EXPECT_NE(builder.add_bins(Integers{0, 1, 100}, Reals{0.5, 0.25, 0.25}, 200), bins);
  EXPECT_NE(builder.add_integer_pmf(Integers{0, 1, 100}, Reals{0.5, 0.25, 0.25}), bins);
  const Profile profile = Profile::from_image(builder.image());
  const Distribution found = profile.distribution(bins);
  EXPECT_EQ(found.kind, DistributionKind::bins);
  EXPECT_EQ(found.integer_values[2], 100u);
  EXPECT_EQ(found.minimum, 0);
  EXPECT_EQ(found.maximum, 4294967295.0);
  for (const double maximum : {99.0, 100.5, 4294967296.0, nan})
    EXPECT_ERROR(builder.add_bins(Integers{0, 100}, Reals{0.5, 0.5}, maximum), "maximum ") << maximum;
}

TEST(ImageBuilder, CorrelationsAreSortedAndChecked) {
  ImageBuilder builder(Category::reason, grid, Counts::renewal, "{}");
  builder.add_client("a");
  builder.add_client("b");
  builder.set_correlation(1, 2, 0, -0.25);
  builder.set_correlation(0, 0, 1, 0.5);
  const Profile profile = Profile::from_image(builder.image());
  ASSERT_EQ(profile.correlations().size(), 2u);
  EXPECT_EQ(profile.correlations()[0].client, 0u);
  EXPECT_EQ(profile.correlations()[0].spearman, 0.5);
  EXPECT_EQ(profile.correlations()[1].field_a, 0);
  EXPECT_EQ(profile.correlations()[1].field_b, 2);

  EXPECT_ERROR((builder.set_correlation(2, 0, 1, 0.5), 0), "client 2");
  EXPECT_ERROR((builder.set_correlation(0, 0, 3, 0.5), 0), "field 3");
  EXPECT_ERROR((builder.set_correlation(0, 1, 1, 0.5), 0), "with itself");
  for (const double spearman : {1.0, -1.0, nan})
    EXPECT_ERROR((builder.set_correlation(0, 0, 1, spearman), 0), "correlation ");
  ImageBuilder items(Category::multimodal, grid, Counts::renewal, "{}");
  items.add_client("a");
  EXPECT_ERROR((items.set_correlation(0, 0, 3, 0.5), 0), "image_tokens is drawn for every item");

  builder.set_correlation(0, 1, 0, 0.25);
  EXPECT_ERROR(builder.image(), "client 0 has two correlations of input_tokens and output_tokens");
  ImageBuilder contradictory(Category::reason, grid, Counts::renewal, "{}");
  contradictory.add_client("odd");
  contradictory.set_correlation(0, 0, 1, 0.9);
  contradictory.set_correlation(0, 0, 2, 0.9);
  contradictory.set_correlation(0, 1, 2, -0.9);
  EXPECT_ERROR(contradictory.image(), "client 0 (odd): its correlations contradict each other");
}

/// A reason profile of two clients with every kind of distribution.
Profile profile_to_copy() {
  ImageBuilder builder(Category::reason, grid, Counts::renewal, "{}");
  builder.add_client("anna");
  builder.add_client("bert");
  builder.add_cell(0, 1, {2, 1, 1, Family::exponential});
  builder.add_cell(1, 1, {3, 0.5, nan, Family::gamma});
  builder.add_cell(1, 3, {4, 0.5, 1.5, Family::weibull});
  builder.set_field(0, 1, 0, builder.add_bins(Integers{1, 2, 50}, Reals{0.25, 0.5, 0.25}, 70));
  builder.set_field(0, 1, 1, builder.add_integer_pmf(Integers{4, 9}, Reals{0.5, 0.5}));
  builder.set_field(0, 1, 2, builder.add_quantiles(Reals{0, 0.5}, 0, 1));
  builder.set_field(2, 1, 2, builder.add_real_pmf(Reals{0.25}, Reals{1}));
  builder.set_correlation(1, 0, 1, 0.5);
  return Profile::from_image(builder.image());
}

TEST(ImageBuilder, CopiesClients) {
  const Profile from = profile_to_copy();
  ImageBuilder builder(Category::reason, grid, Counts::renewal, "{}");
  EXPECT_EQ(builder.add_copy(from, 1, "bert#2", 0.5), 0u);
  EXPECT_EQ(builder.add_copy(from, 0, "anna#1", 2), 1u);
  EXPECT_EQ(builder.add_copy(from, 1, "bert#3", 1), 2u);
  const Profile copy = Profile::from_image(builder.image());
  EXPECT_EQ(copy.client_name(0), "bert#2");
  EXPECT_EQ(copy.distributions(), from.distributions());
  const WindowCells cells = copy.cells(1);
  ASSERT_EQ(cells.rate.size(), 3u);
  EXPECT_EQ(cells.rate[0], 1.5);
  EXPECT_EQ(cells.rate[1], 4.0);
  EXPECT_EQ(cells.shape[2], 0.5);
  EXPECT_TRUE(std::isnan(cells.cv[2]));
  EXPECT_EQ(copy.cells(3).family[1], Family::weibull);
  for (const std::uint32_t client : {0u, 2u}) {
    for (std::uint32_t field = 0; field < 3; ++field) {
      const Distribution a = from.distribution(from.recorded(0, 1, field));
      const Distribution b = copy.distribution(copy.recorded(0, client, field));
      EXPECT_EQ(a.kind, b.kind);
      EXPECT_EQ(a.maximum, b.maximum);
      EXPECT_TRUE(std::ranges::equal(a.probabilities, b.probabilities));
      EXPECT_TRUE(std::ranges::equal(a.integer_values, b.integer_values));
    }
    EXPECT_EQ(copy.recorded(1, client, 0), Profile::missing);
  }
  ASSERT_EQ(copy.correlations().size(), 2u);
  EXPECT_EQ(copy.correlations()[1].client, 2u);
  EXPECT_EQ(copy.correlations()[1].spearman, 0.5);
}

TEST(ImageBuilder, RefusesToCopyFromAnotherGridOrCategory) {
  const Profile from = profile_to_copy();
  ImageBuilder other(Category::language, grid, Counts::renewal, "{}");
  EXPECT_ERROR(other.add_copy(from, 0, "", 1), "category reason of the profile to copy from; language");
  ImageBuilder finer(Category::reason, {300, 4, 1200, 3}, Counts::renewal, "{}");
  EXPECT_ERROR(finer.add_copy(from, 0, "", 1), "window_ns 600 of the profile to copy from; 300 expected");
  ImageBuilder same(Category::reason, grid, Counts::renewal, "{}");
  EXPECT_ERROR(same.add_copy(from, 2, "", 1), "client 2 to copy; there are 2");
  EXPECT_ERROR(same.add_copy(from, 0, "", 0), "rate 0");
}

TEST(Profile, WithCellsKeepsWhatIsAskedFor) {
  const Profile whole = profile_to_copy();
  const std::vector<std::uint8_t> keep{0, 1, 0};
  const Profile part = whole.with_cells(keep);
  EXPECT_EQ(part.clients(), 2u);
  ASSERT_EQ(part.cells(1).client.size(), 1u);
  EXPECT_EQ(part.cells(1).client[0], 1u);
  EXPECT_EQ(part.cells(1).rate[0], 3.0);
  EXPECT_TRUE(part.cells(3).client.empty());
  EXPECT_EQ(part.correlations().size(), 1u);
  EXPECT_EQ(part.distributions(), whole.distributions());
  EXPECT_THROW((void)whole.with_cells(std::vector<std::uint8_t>(2)), std::invalid_argument);
}

TEST(Profile, StatisticsOfEveryKind) {
  const Profile profile = profile_to_copy();
  const auto of = [&](std::uint32_t epoch, std::uint32_t field, Reals p) {
    return statistics(profile.distribution(profile.recorded(epoch, 1, field)), p);
  };
  const DistributionStatistics bins = of(0, 0, {0, 0.25, 0.26, 0.5, 0.75, 0.76, 1});
  EXPECT_DOUBLE_EQ(bins.mean, 0.25 * 1 + 0.5 * (2 + 49) / 2 + 0.25 * (50 + 70) / 2);
  EXPECT_EQ(bins.minimum, 1);
  EXPECT_EQ(bins.maximum, 70);
  EXPECT_EQ(bins.quantiles, (Reals{1, 1, 2, 25, 49, 50, 70}));
  const DistributionStatistics pmf = of(0, 1, {0.5, 0.51, 1});
  EXPECT_EQ(pmf.mean, 6.5);
  EXPECT_EQ(pmf.quantiles, (Reals{4, 9, 9}));
  const DistributionStatistics quantiles = of(0, 2, {0, 0.5, 1});
  EXPECT_EQ(quantiles.mean, 0.25);
  EXPECT_EQ(quantiles.quantiles, (Reals{0, 0.25, 0.5}));
  EXPECT_EQ(of(2, 2, {0.3}).quantiles, Reals{0.25});
}

}  // namespace
}  // namespace tracetide
