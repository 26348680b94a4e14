#include "arrivals/arrival_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace tracetide {
namespace {

constexpr std::uint64_t keep_all = ~std::uint64_t{0};

struct Case {
  Family family;
  double shape;
  Counts counts;
  std::uint64_t gaps;
};

ClientWindow window_of(const Case& c, std::int64_t length_ns = 600'000'000'000) {
  ClientWindow window;
  window.law = make_gap_law(c.family, c.shape);
  window.seed = 11;
  window.client = 4;
  window.window = 17;
  window.length_ns = length_ns;
  window.counts = c.counts;
  window.gaps = c.gaps;
  window.rate = static_cast<double>(c.gaps) / (static_cast<double>(length_ns) / 1e9);
  return window;
}

class Arrivals : public testing::TestWithParam<Case> {};

TEST_P(Arrivals, AreAscendingInsideTheWindowAndAsManyAsPromised) {
  ArrivalPlan plan(kernels_for(), keep_all);
  ArrivalScratch scratch;
  for (const std::int64_t length :
       {std::int64_t{600'000'000'000}, std::int64_t{1'000'000}, longest_window_ns}) {
    plan.make(window_of(GetParam(), length), scratch);
    if (GetParam().counts == Counts::pinned) {
      EXPECT_EQ(plan.size(), GetParam().gaps);
    }
    if (GetParam().counts == Counts::servegen) {
      EXPECT_EQ(plan.size(), GetParam().gaps - 1);
    }
    std::vector<std::int64_t> times(plan.size());
    plan.times(times.data(), scratch);
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
    if (times.empty()) continue;
    EXPECT_GE(times.front(), 0);
    EXPECT_LT(times.back(), length);
  }
}

// A large window is made in slices from plans that have kept nothing: the arrivals must be the same ones.
TEST_P(Arrivals, SlicesMakeUpTheWhole) {
  ArrivalScratch scratch;
  const ClientWindow window = window_of(GetParam());
  ArrivalPlan kept(kernels_for(), keep_all);
  kept.make(window, scratch);
  std::vector<std::int64_t> whole(kept.size());
  kept.times(whole.data(), scratch);
  for (const std::uint64_t keep : {std::uint64_t{0}, keep_all}) {
    ArrivalPlan plan(kernels_for(), keep);
    plan.make(window, scratch);
    ASSERT_EQ(plan.size(), whole.size());
    for (const std::int64_t slice_ns : {std::int64_t{7'000'000'000}, std::int64_t{600'000'000'000}}) {
      Column<std::int64_t> made;
      for (std::int64_t from = 0; from < window.length_ns; from += slice_ns) {
        const std::size_t before = made.size();
        const std::uint64_t rank = plan.times_between(from, from + slice_ns, made, scratch);
        if (made.size() != before) {
          ASSERT_EQ(rank, before);
        }
      }
      ASSERT_TRUE(std::equal(made.begin(), made.end(), whole.begin(), whole.end()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Laws, Arrivals,
    testing::Values(
        Case{Family::exponential, 1, Counts::pinned, 1}, Case{Family::exponential, 1, Counts::pinned, 5000},
        Case{Family::gamma, 0.007, Counts::pinned, 3000}, Case{Family::gamma, 0.3, Counts::pinned, 20000},
        Case{Family::gamma, 45000, Counts::pinned, 3000}, Case{Family::weibull, 0.15, Counts::pinned, 9000},
        Case{Family::weibull, 0.005, Counts::pinned, 700}, Case{Family::weibull, 2, Counts::pinned, 257},
        Case{Family::gamma, 0.3, Counts::servegen, 20000}, Case{Family::weibull, 0.005, Counts::servegen, 40},
        Case{Family::exponential, 1, Counts::servegen, 1}, Case{Family::gamma, 0.05, Counts::renewal, 4000},
        Case{Family::gamma, 0.005, Counts::renewal, 4000}, Case{Family::gamma, 100, Counts::renewal, 4000},
        Case{Family::weibull, 0.4, Counts::renewal, 12000}, Case{Family::weibull, 0.01, Counts::renewal, 300},
        Case{Family::exponential, 1, Counts::renewal, 1}));

TEST(Arrivals, NoGapsNoArrivals) {
  ArrivalPlan plan(kernels_for(), keep_all);
  ArrivalScratch scratch;
  plan.make(window_of({Family::gamma, 1, Counts::pinned, 0}), scratch);
  EXPECT_EQ(plan.size(), 0u);
  Column<std::int64_t> none;
  plan.times_between(0, 600'000'000'000, none, scratch);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace tracetide
