// Lengths that last along sessions, and waits that grow with lengths.
#include "fields/persistence.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"
#include "profile/builder.hpp"
#include "tracetide/error.hpp"
#include "tracetide/stream.hpp"

namespace tracetide {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::uint32_t turns = 8;
constexpr std::uint32_t longest = 1000;

struct Told {
  std::vector<SessionPersistence> persistence{};
  SessionWaits waits{};
  double spearman = 0;
  bool agents = false;  ///< whether turns wait for sessions of model 1 instead
};

// One client; every session has 8 turns, whose inputs and outputs are uniform from 1 to 1000, each 1 s (or
// more, where waits grow) after the start of the one before.
ImageBuilder lasting(const Told& told) {
  ImageBuilder builder(Category::language, {10 * second, 6, 60 * second, 1}, Counts::pinned, "{}");
  std::vector<std::uint32_t> values(longest);
  for (std::uint32_t i = 0; i < longest; ++i) values[i] = i + 1;
  const std::uint32_t lengths = builder.add_integer_pmf(values, std::vector<double>(longest, 1e-3));
  const auto always = [&](std::uint32_t value) {
    return builder.add_integer_pmf(std::vector<std::uint32_t>{value}, std::vector<double>{1.0});
  };
  const std::uint32_t client = builder.add_client("a");
  for (std::uint32_t window = 0; window < 6; ++window) builder.add_cell(client, window, {100, 1, 1, {}});
  for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, lengths);
  if (told.spearman != 0) builder.set_correlation(client, 0, 1, told.spearman);
  const SessionModel model{.share = 1, .turns = always(turns), .waits_from_start = 1, .forgets = 1};
  SessionStep step{.wait = always(1000)};
  if (told.agents) step.child = 1;
  builder.set_session(client, builder.add_session_model(model, std::vector{step}));
  if (told.agents) (void)builder.add_session_model(model, std::vector{SessionStep{.wait = always(1000)}});
  builder.set_waits(told.agents ? 1 : 0, 0, told.waits);
  for (const SessionPersistence& entry : told.persistence) builder.set_persistence(entry);
  return builder;
}

Profile made(const Told& told) { return Profile::from_image(lasting(told).image()); }

struct Turn {
  double time = 0;
  double input = 0;
  double output = 0;
  [[nodiscard]] bool operator==(const Turn&) const = default;
};

// By session and turn; complete sessions alone.
using Traced = std::vector<std::vector<Turn>>;
Traced trace_of(const Profile& profile, const JobOptions& options,
                const StreamOptions& how = {.threads = 1}) {
  std::map<std::uint64_t, std::vector<Turn>> sessions;
  Stream stream(Job(profile, options), how);
  while (const Batch* batch = stream.next()) {
    for (std::size_t i = 0; i < batch->size(); ++i) {
      if (batch->session_id()[i] == no_session) continue;
      auto& own = sessions[batch->session_id()[i]];
      own.resize(turns);
      own[batch->turn()[i] - 1u] = {batch->timestamp()[i], static_cast<double>(batch->input_tokens()[i]),
                                    static_cast<double>(batch->output_tokens()[i])};
    }
  }
  Traced traced;
  for (const auto& [session, own] : sessions)
    if (std::ranges::all_of(own, [](const Turn& turn) { return turn.input > 0; })) traced.push_back(own);
  return traced;
}

using Length = double Turn::*;

// Correlation of a field of a turn and one of `distance` turns later.
double correlation(const Traced& traced, Length a, Length b, std::size_t distance) {
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (const auto& own : traced) {
    for (std::size_t turn = 0; turn + distance < own.size(); ++turn) {
      const double p = own[turn].*a, q = own[turn + distance].*b;
      n += 1, x += p, y += q, xx += p * p, yy += q * q, xy += p * q;
    }
  }
  return (n * xy - x * y) / std::sqrt((n * xx - x * x) * (n * yy - y * y));
}

// That of uniform ranks of normal variates with correlation r.
double of_ranks(double r) { return 6 / std::numbers::pi * std::asin(r / 2); }

// The greatest distance of the distribution function of a turn's lengths, of which every session has one,
// from the law's; times the square root of their number.
double kolmogorov(const Traced& traced, Length field, std::size_t turn) {
  std::vector<double> count(longest + 1);
  for (const auto& own : traced) ++count[static_cast<std::size_t>(own[turn].*field)];
  double below = 0, distance = 0;
  for (std::uint32_t value = 1; value <= longest; ++value) {
    below += count[value];
    distance = std::max(distance, std::abs(below / static_cast<double>(traced.size()) - value * 1e-3));
  }
  return distance * std::sqrt(static_cast<double>(traced.size()));
}

// About 70,000 sessions. Every test of a law has a false-alarm probability below 2 exp(-2 d^2) = 1e-9.
constexpr double most_kolmogorov = 3.273;
const JobOptions long_job{.rate = 1000.0, .duration = 600.0, .seed = 5};
// Six standard errors of pairs that are as dependent as they can be within a session.
constexpr double tolerance = 6 * 0.0037;

TEST(Persistence, KeepsTheLawAndHasTheAutocorrelationAsked) {
  const Traced traced = trace_of(made({.persistence = {{0, 0, 0.7, 0.9}, {0, 1, 0.5, 0.0}}}), long_job);
  ASSERT_GT(traced.size(), 60000u);
  for (std::size_t turn = 0; turn < turns; ++turn) {
    EXPECT_LT(kolmogorov(traced, &Turn::input, turn), most_kolmogorov) << turn;
    EXPECT_LT(kolmogorov(traced, &Turn::output, turn), most_kolmogorov) << turn;
  }
  for (const std::size_t distance : {1u, 2u, 5u}) {
    const double asked = of_ranks(0.7 * std::pow(0.9, static_cast<double>(distance)));
    EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::input, distance), asked, tolerance) << distance;
    EXPECT_NEAR(correlation(traced, &Turn::output, &Turn::output, distance), 0, tolerance) << distance;
  }
  EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::output, 0), 0, tolerance);
  EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::output, 1), 0, tolerance);
  // Nothing of a session is in the next one.
  std::vector<double> last, next;
  for (std::size_t i = 1; i < traced.size(); ++i) {
    last.push_back(traced[i - 1].back().input);
    next.push_back(traced[i].front().input);
  }
  double product = 0;
  for (std::size_t i = 0; i < last.size(); ++i) product += (last[i] - 500.5) * (next[i] - 500.5);
  EXPECT_NEAR(product / static_cast<double>(last.size()) / (longest * longest / 12.0), 0, tolerance);
}

// A field that others are mixed into has their autocorrelations, by the squares of its weights.
TEST(Persistence, GoesTogetherWithACopula) {
  const Traced traced = trace_of(made({.persistence = {{0, 0, 0.8, 0.9}}, .spearman = 0.6}), long_job);
  for (const std::size_t turn : {0u, 7u}) {
    EXPECT_LT(kolmogorov(traced, &Turn::input, turn), most_kolmogorov) << turn;
    EXPECT_LT(kolmogorov(traced, &Turn::output, turn), most_kolmogorov) << turn;
  }
  const double pearson = 2 * std::sin(std::numbers::pi * 0.6 / 6);
  const double lasting = 0.8 * 0.9;
  EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::output, 0), 0.6, tolerance);
  EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::input, 1), of_ranks(lasting), tolerance);
  EXPECT_NEAR(correlation(traced, &Turn::output, &Turn::output, 1), of_ranks(pearson * pearson * lasting),
              tolerance);
  EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::output, 1), of_ranks(pearson * lasting), tolerance);
}

TEST(Persistence, OfSubAgentsIsTheirOwn) {
  const Profile profile = made({.persistence = {{1, 0, 0.9, 0.9}}, .agents = true});
  const Persistence persistence(profile);
  EXPECT_EQ(persistence.fields(0), 1u);
  EXPECT_EQ(persistence.fields(1), 1u);
  EXPECT_EQ(persistence.of(0)[0].lasting, 0);
  // Of 8 sessions that belong together, 7 are sub-agents'.
  const Traced traced = trace_of(profile, long_job);
  EXPECT_NEAR(correlation(traced, &Turn::input, &Turn::input, 1), of_ranks(0.81) * 7 / 8, 0.06);
  EXPECT_NEAR(correlation(traced, &Turn::output, &Turn::output, 1), 0, tolerance);
}

TEST(Persistence, DoesNotDependOnThreadsKernelsOrBatches) {
  const Profile profile =
      made({.persistence = {{0, 0, 0.7, 0.9}, {0, 1, 0.4, 0.6}}, .waits = {2e-3, 1e-3}, .spearman = 0.4});
  const JobOptions options{.rate = 300.0, .duration = 60.0, .seed = 9};
  const Traced expected = trace_of(profile, options);
  ASSERT_GT(expected.size(), 100u);
  EXPECT_EQ(trace_of(profile, options, {.threads = 3, .batch_size = 77}), expected);
  for (const Kernels* kernels : available_kernels())
    EXPECT_EQ(trace_of(profile, options, {.threads = 1, .kernels = kernels->level}), expected);
}

// No share and no growth are nothing at all.
TEST(Persistence, OfNothingChangesNoByte) {
  const auto plain = lasting({}).image();
  EXPECT_EQ(lasting({.persistence = {{0, 0, 0.0, 0.9}}, .waits = {0, 0}}).image(), plain);
  EXPECT_EQ(plain[16], std::byte{1});  // the format's version
  EXPECT_EQ(lasting({.waits = {0, 0.5}}).image()[16], std::byte{2});
  // What does not last is drawn as it was.
  const JobOptions options{.duration = 60.0};
  const Traced before = trace_of(made({}), options);
  const Traced after = trace_of(made({.persistence = {{0, 0, 0.7, 0.9}}}), options);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    for (std::size_t turn = 0; turn < turns; ++turn) {
      EXPECT_EQ(before[i][turn].time, after[i][turn].time);
      EXPECT_EQ(before[i][turn].output, after[i][turn].output);
    }
  }
}

TEST(Persistence, DoesNotChangeWhatHasOneRank) {
  const JobOptions options{.duration = 60.0, .coupling = Coupling::comonotonic};
  EXPECT_EQ(trace_of(made({.persistence = {{0, 0, 0.7, 0.9}}}), options), trace_of(made({}), options));
}

TEST(Waits, GrowWithTheOutputBeforeAndTheNewTokens) {
  const Traced traced = trace_of(made({.waits = {2e-3, 5e-4}}), {.rate = 200.0, .duration = 120.0});
  ASSERT_GT(traced.size(), 500u);
  for (const auto& own : traced) {
    for (std::size_t turn = 1; turn < own.size(); ++turn) {
      const double wait = 1 + 2e-3 * own[turn - 1].output + 5e-4 * own[turn].input;
      EXPECT_NEAR(own[turn].time - own[turn - 1].time, wait, 2e-9);
    }
  }
}

// The total is met in every window, although what sessions bring to it depends on lengths.
TEST(Waits, LeaveTheRateAsItIs) {
  const Profile profile = made({.persistence = {{0, 1, 0.9, 0.99}}, .waits = {1e-2, 0}});
  std::vector<double> count(12);
  constexpr int seeds = 20;
  for (int seed = 0; seed < seeds; ++seed) {
    JobOptions options{.duration = 120.0, .seed = static_cast<std::uint64_t>(seed)};
    options.rate_steps = {60, 60, 60, 20, 20, 20, 90, 90, 90, 60, 60, 60};
    Stream stream(Job(profile, options), {.threads = 1});
    while (const Batch* batch = stream.next())
      for (std::size_t i = 0; i < batch->size(); ++i)
        ++count[static_cast<std::size_t>(batch->timestamp()[i] / 10)];
  }
  for (std::size_t window = 0; window < count.size(); ++window) {
    const std::array<double, 4> rate{60, 20, 90, 60};
    const double expected = rate[window / 3] * 10 * seeds;
    // Requests of sessions come together, 8 at most: six standard errors.
    EXPECT_NEAR(count[window], expected, 6 * std::sqrt(8 * expected)) << window;
  }
}

TEST(Waits, OfAYearAtMost) {
  const Traced traced = trace_of(made({.waits = {1e6, 1e6}}), {.rate = 5.0, .duration = 60.0});
  EXPECT_TRUE(traced.empty());
}

TEST(Persistence, OfCopiesIsThatOfTheModel) {
  const Profile from = made({.persistence = {{0, 1, 0.7, 0.9}, {0, 0, 0.2, 0.3}}, .waits = {2e-3, 1e-3}});
  ImageBuilder builder(Category::language, {10 * second, 6, 60 * second, 1}, Counts::pinned, "{}");
  (void)builder.add_copy(made({.waits = {0, 4}}), 0, "other", 1);
  (void)builder.add_copy(from, 0, "copy", 1);
  const Profile copy = Profile::from_image(builder.image());
  ASSERT_EQ(copy.session_waits().size(), 2u);
  EXPECT_EQ(copy.session_waits()[0].tokens, 4);
  EXPECT_EQ(copy.session_waits()[1].output, 2e-3);
  ASSERT_EQ(copy.session_persistence().size(), 2u);
  EXPECT_EQ(copy.session_persistence()[0].model, 1u);
  EXPECT_EQ(copy.session_persistence()[0].field, 0u);
  EXPECT_EQ(copy.session_persistence()[1].memory, 0.9);
  const Profile without = from.without_sessions();
  EXPECT_TRUE(without.session_waits().empty());
  EXPECT_TRUE(without.session_persistence().empty());
}

TEST(Persistence, WrongValuesAreNamed) {
  const auto expect = [](const Told& told, const char* message) {
    try {
      (void)made(told);
      ADD_FAILURE() << message;
    } catch (const ProfileError& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect({.persistence = {{0, 0, 1, 0.5}}}, "SESSION_PERSISTENCE: entry 0: share 1 and memory 0.5; allowed");
  expect({.persistence = {{0, 0, 0.5, nan}}}, "memory nan");
  expect({.persistence = {{0, 2, 0.5, 0.5}}}, "field 2; there are 2");
  expect({.persistence = {{3, 0, 0.5, 0.5}}}, "session model 3; there are 1");
  expect({.persistence = {{0, 1, 0.5, 0.5}, {0, 1, 0.5, 0.5}}}, "persistence of output_tokens twice");
  expect({.waits = {-1, 0}},
         "SESSION_WAITS: entry 0: waits that grow by -1 and 0 a token; allowed: 0 to 1e6");
  expect({.waits = {0, nan}}, "waits that grow by 0 and nan");
  ImageBuilder builder = lasting({.agents = true});
  EXPECT_THROW(builder.set_waits(0, 1, {1, 1}), ProfileError);
  builder.set_waits(0, 0, {1, 1});
  EXPECT_THROW((void)builder.image(), ProfileError);
}

}  // namespace
}  // namespace tracetide
