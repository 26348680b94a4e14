// The rate inside a window: the cascade of a client, curves, and the warp that both are.
#include "arrivals/rate_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "arrivals/arrival_plan.hpp"
#include "engine/rate_points.hpp"

namespace tracetide {
namespace {

constexpr std::int64_t window_ns = 600'000'000'000;

StreamKey stream_of(std::uint32_t window) {
  return {5, 3, window, static_cast<std::uint8_t>(Purpose::modulation)};
}

TimeWarp noise_of(const RateNoise& noise, double requests, std::uint32_t window,
                  const WindowPart& part = {window_ns, 0, window_ns}) {
  NoiseMaker maker;
  TimeWarp warp;
  maker.make(noise, requests, stream_of(window), part, kernels_for(), warp);
  return warp;
}

ClientWindow client_window(const RateNoise& noise, std::uint32_t window, Counts counts,
                           const TimeWarp* curve = nullptr) {
  ClientWindow client;
  client.law = make_gap_law(Family::gamma, 0.2);
  client.seed = 5;
  client.client = 3;
  client.window = window;
  client.length_ns = window_ns;
  client.counts = counts;
  client.gaps = 200;
  client.rate = 200 / 600.0;
  client.noise = noise;
  client.requests = 200;
  client.part = {window_ns, 0, window_ns};
  client.curve = curve;
  return client;
}

TEST(TimeWarp, IsTheIdentityUnlessMade) {
  const TimeWarp warp;
  EXPECT_TRUE(warp.is_identity());
  EXPECT_EQ(warp.at(17), 17);
  EXPECT_EQ(warp.first_at(17), 17);
}

TEST(TimeWarp, KernelsAndSingleTimesAgreeAndFirstAtIsTheInverse) {
  TimeWarp warp;
  const std::vector<std::int64_t> edges{0, 100'000'000'000, 100'000'000'003, 500'000'000'000, window_ns};
  const std::vector<double> masses{1, 1e-3, 0, 5};
  warp.make(edges, masses);
  std::vector<std::int64_t> times;
  for (std::int64_t at = 0; at < window_ns; at += 1'234'567'891) times.push_back(at);
  times.push_back(window_ns - 1);
  for (const Kernels* kernels : available_kernels()) {
    std::vector<std::int64_t> moved = times;
    warp.apply(*kernels, moved);
    EXPECT_TRUE(std::ranges::is_sorted(moved));
    EXPECT_LT(moved.back(), window_ns);
    for (std::size_t i = 0; i < times.size(); ++i) {
      ASSERT_EQ(moved[i], warp.at(times[i]));
      const std::int64_t first = warp.first_at(moved[i]);
      ASSERT_LE(first, times[i]);
      ASSERT_EQ(warp.at(first), moved[i]);
      if (first > 0) {
        ASSERT_LT(warp.at(first - 1), moved[i]);
      }
    }
  }
  EXPECT_EQ(warp.first_at(window_ns), window_ns);
  EXPECT_EQ(warp.at(window_ns), window_ns);
  // Nothing comes where there is no mass.
  EXPECT_EQ(warp.first_at(100'000'000'003), warp.first_at(500'000'000'000));
}

TEST(RateNoise, IsNothingForFewRequestsOrWithoutLevels) {
  EXPECT_TRUE(noise_of({.rho = 0.5, .levels = 10}, 7.9, 1).is_identity());
  EXPECT_FALSE(noise_of({.rho = 0.5, .levels = 10}, 8, 1).is_identity());
  EXPECT_TRUE(noise_of({.rho = 0.5, .levels = 0}, 1e6, 1).is_identity());
  EXPECT_TRUE(noise_of({.rho = 0, .levels = 10}, 1e6, 1).is_identity());
}

// The share of the first half of a window has mean 1/2. With one level the two masses are (1 +- s)/2, and the
// turn by 0 or 1 leaves the variance of s as it is: rho. Uniform s has fourth moment 1.8 rho^2, so 20,000
// windows give a standard error of rho sqrt(0.8 / 20000); 4.5 of them is passed by chance once in 150,000.
TEST(RateNoise, HasItsMeanAndVariance) {
  for (const double rho : {0.05, 1.0 / 3, 0.6, 0.9}) {
    constexpr int windows = 20000;
    double sum = 0;
    double squares = 0;
    for (int w = 0; w < windows; ++w) {
      const TimeWarp warp = noise_of({.rho = rho, .levels = 1}, 1e4, static_cast<std::uint32_t>(w));
      const double s =
          2 * static_cast<double>(warp.first_at(window_ns / 2)) / static_cast<double>(window_ns) - 1;
      sum += s;
      squares += s * s;
    }
    EXPECT_NEAR(sum / windows, 0, 4.5 * std::sqrt(rho / windows)) << rho;
    EXPECT_NEAR(squares / windows, rho, 4.5 * rho * std::sqrt(0.8 / windows)) << rho;
  }
}

// Where the tree halves does not show: every 600th of a window has its 600th of the requests. The masses of
// leaves of 8 levels at rho 0.3 have a variance of (1.3^8 - 1) of their squared mean.
TEST(RateNoise, KeepsTheExpectedRateOfEveryMoment) {
  constexpr int windows = 4000;
  std::vector<double> share(600);
  for (int w = 0; w < windows; ++w) {
    const TimeWarp warp = noise_of({.rho = 0.3, .levels = 8}, 1e4, static_cast<std::uint32_t>(w));
    std::int64_t before = 0;
    for (std::size_t i = 0; i < share.size(); ++i) {
      const std::int64_t next = warp.first_at(static_cast<std::int64_t>(i + 1) * 1'000'000'000);
      share[i] += static_cast<double>(next - before) / 1e9;
      before = next;
    }
  }
  const double error = std::sqrt((std::pow(1.3, 8) - 1) / windows);
  for (const double sum : share) EXPECT_NEAR(sum / windows, 1, 4.5 * error);
}

TEST(RateNoise, APartOfAWindowHasItsPartOfTheTree) {
  const RateNoise noise{.rho = 0.3, .levels = 6};
  const TimeWarp whole = noise_of(noise, 5000, 9);
  const std::int64_t begin = 123'456'789'012;
  const std::int64_t length = 300'000'000'000;
  const TimeWarp part = noise_of(noise, 5000, 9, {window_ns, begin, length});
  const auto mass = [&](std::int64_t at) { return static_cast<double>(whole.first_at(at)); };
  const double all = mass(begin + length) - mass(begin);
  for (std::int64_t at = 0; at <= length; at += length / 50) {
    const double expected = (mass(begin + at) - mass(begin)) / all * static_cast<double>(length);
    EXPECT_NEAR(static_cast<double>(part.first_at(at)), expected, 1000);
  }
}

// Slices of warped plans are those of the whole, whatever is kept, and pinned counts are exact.
TEST(RateNoise, SlicesOfWarpedArrivalsMakeUpTheWhole) {
  RateCurve curve;
  curve.make({{0, 1}, {200, 1}, {200.001, 30}, {210, 30}, {210.001, 0}, {300, 0}, {600, 5}}, 0, window_ns);
  ASSERT_NE(curve.warp(), nullptr);
  ArrivalScratch scratch;
  for (const Counts counts : {Counts::pinned, Counts::renewal}) {
    ClientWindow window = client_window({.rho = 0.4, .levels = 10}, 2, counts, curve.warp());
    window.gaps = 30000;
    window.requests = 30000;
    window.rate = 50;
    ArrivalPlan kept(kernels_for(), ~std::uint64_t{0});
    kept.make(window, scratch);
    if (counts == Counts::pinned) {
      EXPECT_EQ(kept.size(), 30000u);
    }
    std::vector<std::int64_t> whole(kept.size());
    kept.times(whole.data(), scratch);
    EXPECT_TRUE(std::ranges::is_sorted(whole));
    EXPECT_EQ(
        std::ranges::lower_bound(whole, 211'000'000'000) - std::ranges::lower_bound(whole, 300'000'000'000),
        0);
    ArrivalPlan plan(kernels_for(), 0);
    plan.make(window, scratch);
    for (const std::int64_t slice_ns : {std::int64_t{700'000'001}, std::int64_t{205'000'000'000}}) {
      Column<std::int64_t> made;
      for (std::int64_t from = 0; from < window_ns; from += slice_ns) {
        const std::size_t before = made.size();
        const std::uint64_t rank =
            plan.times_between(from, std::min(from + slice_ns, window_ns), made, scratch);
        if (made.size() != before) {
          ASSERT_EQ(rank, before);
        }
      }
      ASSERT_TRUE(std::ranges::equal(made, whole));
    }
    for (std::size_t block = 0; block < plan.blocks(); ++block) {
      EXPECT_GE(plan.block_start(block), 0);
      EXPECT_LE(plan.block_start(block), window_ns);
    }
  }
}

// A spike of 10 s at ten times the rate inside a window, with noise and bursty gaps: every step of the curve
// has its expected requests. Counts of a step over 4,000 windows are taken to be as spread as they are
// measured; 4 standard errors are passed by chance in 1 of 16,000 steps.
TEST(RateNoise, ASpikeIsExactInExpectation) {
  RateCurve curve;
  curve.make({{0, 1}, {250, 1}, {250.0000001, 10}, {260, 10}, {260.0000001, 1}, {600, 1}}, 0, window_ns);
  ArrivalPlan plan(kernels_for(), ~std::uint64_t{0});
  ArrivalScratch scratch;
  const std::vector<std::int64_t> edges{0, 250'000'000'000, 260'000'000'000, 600'000'000'000};
  const std::vector<double> weight{250.0 / 690, 100.0 / 690, 340.0 / 690};
  for (const Counts counts : {Counts::pinned, Counts::renewal}) {
    constexpr int windows = 4000;
    std::vector<double> sum(3);
    std::vector<double> squares(3);
    for (int w = 0; w < windows; ++w) {
      plan.make(client_window({.rho = 0.3, .levels = 5}, static_cast<std::uint32_t>(w), counts, curve.warp()),
                scratch);
      std::vector<std::int64_t> times(plan.size());
      plan.times(times.data(), scratch);
      for (std::size_t step = 0; step < 3; ++step) {
        const auto count = static_cast<double>(std::ranges::lower_bound(times, edges[step + 1]) -
                                               std::ranges::lower_bound(times, edges[step]));
        sum[step] += count;
        squares[step] += count * count;
      }
    }
    for (std::size_t step = 0; step < 3; ++step) {
      const double mean = sum[step] / windows;
      const double error = std::sqrt((squares[step] / windows - mean * mean) / windows);
      EXPECT_NEAR(mean, 200 * weight[step], 4 * error) << step;
    }
  }
}

// What is constant is not warped, and a slope is followed: three quarters of a rising line come in its
// second half.
TEST(RateCurve, FollowsSlopes) {
  RateCurve curve;
  curve.make({{0, 3}, {600, 3}}, 0, window_ns);
  EXPECT_EQ(curve.warp(), nullptr);
  curve.make({{0, 3}}, 0, window_ns);
  EXPECT_EQ(curve.warp(), nullptr);
  curve.make({{-0.0, 0}, {1200, 2}}, 0, 2 * window_ns);
  ASSERT_NE(curve.warp(), nullptr);
  EXPECT_NEAR(static_cast<double>(curve.warp()->first_at(window_ns)) / (2.0 * window_ns), 0.25, 1e-6);
  curve.make({{0, 0}, {600, 0}, {601, 1}}, 0, window_ns);
  EXPECT_EQ(curve.warp(), nullptr);
}

}  // namespace
}  // namespace tracetide
